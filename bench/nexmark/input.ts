/**
 * The files of events, each written once: binary, NDJSON, and the SHA-256 of the binary one.
 *
 * They are in `MILLRACE_NEXMARK_DIR`, by default a folder of the system's temporary directory.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { env } from 'node:process'
import { encodeHeader, EventEncoder } from './binary-format.ts'
import { NexmarkGenerator, type GeneratorOptions } from './generator.ts'

/** Which events a file has. */
export interface InputOptions extends GeneratorOptions {
  readonly events: number
}

/** The files with the same events. */
export interface Input {
  readonly binary: string
  readonly ndjson: string
  /** Of the binary file. */
  readonly sha256: string
}

/** Increased when the generator or the format changes. */
const version = 1

/** Where the files are. */
const inputFolder: string =
  env['MILLRACE_NEXMARK_DIR'] ?? path.join(os.tmpdir(), `millrace-nexmark-${version}`)

/** Returns the files, and writes them first if they are not there. */
export async function inputFiles(options: InputOptions, folder: string = inputFolder): Promise<Input> {
  const { events, rate = 100_000, seed = 1, outOfOrderGroup = 1 } = options
  const stem = path.join(folder, `events-${events}-rate-${rate}-seed-${seed}-group-${outOfOrderGroup}`)
  const digest = `${stem}.sha256`
  if (!existsSync(digest)) {
    await mkdir(folder, { recursive: true })
    await write(options, stem)
  }
  const sha256 = (await readFile(digest, 'utf8')).trim()
  return { binary: `${stem}.bin`, ndjson: `${stem}.ndjson`, sha256 }
}

/** The digest is written last: files without it are not complete. */
async function write(options: InputOptions, stem: string): Promise<void> {
  const generator = new NexmarkGenerator(options)
  const hash = createHash('sha256')
  const [binary, ndjson] = await Promise.all([open(`${stem}.bin`, 'w'), open(`${stem}.ndjson`, 'w')])
  const put = async (bytes: Uint8Array, lines: string): Promise<void> => {
    hash.update(bytes)
    // Unlike `write` these write everything, at the end of what is there.
    await Promise.all([binary.writeFile(bytes), ndjson.writeFile(lines)])
  }
  await put(encodeHeader(), '')
  const encoder = new EventEncoder(1 << 20)
  let lines: string[] = []
  for (let n = 0; n < options.events; n++) {
    if (!encoder.hasRoom) {
      await put(encoder.bytes.subarray(0, encoder.length), lines.join(''))
      encoder.length = 0
      lines = []
    }
    const event = generator.event(n)
    encoder.write(event)
    lines.push(`${JSON.stringify(event)}\n`)
  }
  await put(encoder.bytes.subarray(0, encoder.length), lines.join(''))
  await Promise.all([binary.close(), ndjson.close()])
  await writeFile(`${stem}.sha256.part`, `${hash.digest('hex')}\n`)
  await rename(`${stem}.sha256.part`, `${stem}.sha256`)
}
