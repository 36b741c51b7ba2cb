import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { once } from 'node:events'
import path from 'node:path'

/** One input record of the kill test. Its id determines all other fields. */
export interface Reading {
  readonly id: number
  readonly key: string
  /** Milliseconds since the epoch, at most `disorderMs` behind any earlier record of its file. */
  readonly at: number
  readonly amount: number
}

export const files = 4
export const disorderMs = 2_000
const keys = 500

/** A hash of integers without a visible pattern. */
function scattered(id: number, salt: number): number {
  let hash = Math.imul(id ^ salt, 0x9e37_79b1)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x85eb_ca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** Record `id`: a hundred a second of event time, out of order within the bound. */
export function reading(id: number): Reading {
  return {
    id,
    key: `sensor-${scattered(id, 1) % keys}`,
    at: id * 10 - (scattered(id, 2) % disorderMs),
    amount: scattered(id, 3) % 1_000,
  }
}

/** Writes `total` readings to four NDJSON files, in turn. */
export async function writeInput(directory: string, total: number): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (let file = 0; file < files; file++) {
    const out = createWriteStream(path.join(directory, `readings-${file}.ndjson`))
    let text = ''
    for (let id = file; id < total; id += files) {
      text += `${JSON.stringify(reading(id))}\n`
      if (text.length < 1 << 20) continue
      if (!out.write(text)) await once(out, 'drain')
      text = ''
    }
    out.end(text)
    await once(out, 'close')
  }
}
