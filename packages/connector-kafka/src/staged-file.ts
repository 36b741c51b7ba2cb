import { ByteReader, ByteWriter, isMillraceError, MillraceError } from '@millrace/core'
import { putIntoDirectory, readAt, writeFully, type Fs, type FsFile } from '@millrace/core/disk'
import { blockEnd, corrupt, endBlock, requireBlock, startBlock } from '@millrace/segment-log'
import type { KafkaHeader, ReadyRecord } from './record.ts'

/** About how many bytes of records are in one block. */
const blockBytes = 256 * 1024
const headBytes = 17

/** A file with the records of one checkpoint that are not committed yet: blocks of records, one after another. */
export class StagedFile {
  readonly path: string
  readonly name: string
  readonly #fs: Fs
  readonly #directory: string
  readonly #out = new ByteWriter(64 * 1024)
  #file: FsFile | undefined
  #blockStart = -1
  #bytes = 0

  constructor(fs: Fs, directory: string, name: string) {
    this.#fs = fs
    this.#directory = directory
    this.name = name
    this.path = `${directory}/${name}`
  }

  /** Adds a record. True if it is time to call `write`. */
  add(record: ReadyRecord): boolean {
    if (this.#blockStart < 0) this.#blockStart = startBlock(this.#out)
    encode(this.#out, record)
    return this.#out.length >= blockBytes
  }

  /** Writes what was added. */
  async write(): Promise<void> {
    if (this.#blockStart < 0) return
    endBlock(this.#out, this.#blockStart)
    this.#file ??= await putIntoDirectory(this.#fs, this.#directory, () => this.#fs.open(this.path, 'create'))
    const bytes = this.#out.written()
    await writeFully(this.#file, bytes, this.path)
    this.#bytes += bytes.length
    this.#out.reset()
    this.#blockStart = -1
  }

  /** Writes the rest and makes all of it durable. Returns the size of the file. */
  async finish(): Promise<number> {
    await this.write()
    await this.#file?.sync()
    await this.#close()
    await this.#fs.syncDirectory(this.#directory)
    return this.#bytes
  }

  /** Removes the file. */
  async discard(): Promise<void> {
    if (this.#file === undefined) return
    await this.#close()
    await this.#fs.remove(this.path)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

/** The records of a staged file, block by block. Rejects with `CHECKPOINT_CORRUPT` if the file is not what was written. */
export async function* stagedRecords(
  fs: Fs,
  path: string,
  size: number,
): AsyncIterable<readonly ReadyRecord[]> {
  const file = await fs.open(path, 'read')
  try {
    for (let at = 0; at < size;) {
      const head = await readAt(file, at, headBytes)
      const end = blockEnd(head, 0)
      if (end === undefined) throw corrupt(`${path}, byte ${at}`, 'no block starts here')
      const bytes = await readAt(file, at, end)
      const { payload } = requireBlock(bytes, 0, end, `${path}, byte ${at}`)
      at += end
      yield decode(payload)
    }
  } finally {
    await file.close()
  }
}

/** Whether a file is there. */
export async function isThere(fs: Fs, path: string): Promise<boolean> {
  return (await fs.stat(path)) !== undefined
}

/** The names of files in a directory that may not exist. */
export async function namesIn(fs: Fs, directory: string): Promise<readonly string[]> {
  try {
    return (await fs.list(directory)).map(({ name }) => name)
  } catch (error) {
    if (isMillraceError(error, 'FS_NOT_FOUND')) return []
    throw error
  }
}

function encode(out: ByteWriter, { topic, partition, key, value, headers, timestamp }: ReadyRecord): void {
  out.text(topic)
  out.varint(partition + 1)
  out.float64(timestamp)
  encodeBytes(out, key)
  encodeBytes(out, value)
  out.varint(headers.length)
  for (const [name, content] of headers) {
    out.text(name)
    out.blob(content)
  }
}

function encodeBytes(out: ByteWriter, bytes: Uint8Array | null): void {
  out.byte(bytes === null ? 0 : 1)
  if (bytes !== null) out.blob(bytes)
}

function decode(payload: Uint8Array): readonly ReadyRecord[] {
  const reader = new ByteReader(payload)
  const bytes = (): Uint8Array | null => (reader.byte() === 0 ? null : reader.blob())
  const records: ReadyRecord[] = []
  while (reader.position < payload.length) {
    const topic = reader.text()
    const partition = reader.varint() - 1
    const timestamp = reader.float64()
    const key = bytes()
    const value = bytes()
    const headers: KafkaHeader[] = []
    for (let left = reader.varint(); left > 0; left--) headers.push([reader.text(), reader.blob()])
    records.push({ topic, partition, key, value, headers, timestamp })
  }
  return records
}

/** The error for a staged file that should be there. */
export function missingFile(what: string, path: string, checkpoint: number): MillraceError {
  const message = `${what}: the records of checkpoint ${checkpoint} are not in ${path}, and Kafka does not have them either; was a part of the data directory removed or not copied? Restore it, or start with another data directory`
  return new MillraceError('SINK_FAILED', message, { isFinal: true })
}
