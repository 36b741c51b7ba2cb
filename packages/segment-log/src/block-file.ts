import { ByteReader, ByteWriter, isMillraceError } from '@millrace/core'
import { putIntoDirectory, readAt, writeFully, type Fs, type FsFile } from '@millrace/core/disk'
import { blockBytesMin, blockEnd, corrupt, endBlock, requireBlock, startBlock } from './block.ts'

/** About how many bytes of entries are in one block. */
const blockBytes = 256 * 1024

/** A new file of entries in blocks, written once from its start to its end. */
export class BlockFile<T> {
  readonly name: string
  readonly #path: string
  readonly #fs: Fs
  readonly #directory: string
  readonly #encode: (out: ByteWriter, entry: T) => void
  readonly #out = new ByteWriter(64 * 1024)
  #file: FsFile | undefined
  #blockStart = -1
  #bytes = 0

  constructor(fs: Fs, directory: string, name: string, encode: (out: ByteWriter, entry: T) => void) {
    this.#fs = fs
    this.#directory = directory
    this.#encode = encode
    this.name = name
    this.#path = `${directory}/${name}`
  }

  /** Adds an entry. True if it is time to call `write`. */
  add(entry: T): boolean {
    if (this.#blockStart < 0) this.#blockStart = startBlock(this.#out)
    this.#encode(this.#out, entry)
    return this.#out.length >= blockBytes
  }

  /** Writes what was added. */
  async write(): Promise<void> {
    if (this.#blockStart < 0) return
    endBlock(this.#out, this.#blockStart)
    this.#file ??= await putIntoDirectory(this.#fs, this.#directory, () =>
      this.#fs.open(this.#path, 'create'),
    )
    const bytes = this.#out.written()
    await writeFully(this.#file, bytes, this.#path)
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
    await this.#fs.remove(this.#path)
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

/** The entries of a block file, block by block. Rejects with `CHECKPOINT_CORRUPT` if it is not what was written. */
export async function* readBlockFile<T>(
  fs: Fs,
  path: string,
  size: number,
  decode: (reader: ByteReader) => T,
): AsyncIterable<readonly T[]> {
  const file = await fs.open(path, 'read')
  try {
    for (let at = 0; at < size;) {
      const end = blockEnd(await readAt(file, at, blockBytesMin), 0)
      if (end === undefined) throw corrupt(`${path}, byte ${at}`, 'no block starts here')
      const { payload } = requireBlock(await readAt(file, at, end), 0, end, `${path}, byte ${at}`)
      at += end
      const reader = new ByteReader(payload)
      const entries: T[] = []
      while (reader.position < payload.length) entries.push(decode(reader))
      yield entries
    }
  } finally {
    await file.close()
  }
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
