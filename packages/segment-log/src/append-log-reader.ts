import { ByteReader } from '@millrace/core'
import { readAt } from '@millrace/core/disk'
import type { Fs, FsFile } from '@millrace/core/disk'
import { blockKind, damaged, type LogPlace } from './append-log-segment.ts'
import type { AppendLog } from './append-log.ts'
import { blockAt, blockEnd } from './block.ts'

/** Bytes per read, unless a block is larger. */
const chunkBytes = 256 * 1024

/** One entry, as it was appended. */
export interface FetchedEntry extends LogPlace {
  /** Its size in the file, in bytes. */
  readonly bytes: number
  readonly content: ByteReader
}

/** The result of one fetch. */
export interface Fetched {
  /** May be empty. */
  readonly entries: readonly FetchedEntry[]
  /** Where the next fetch begins. */
  readonly next: LogPlace
}

/** Reads a log entry by entry, up to its durable end. Keeps one segment open. */
export class AppendLogReader {
  readonly #log: AppendLog
  readonly #fs: Fs
  #open: { readonly segment: number; readonly file: FsFile } | undefined

  constructor(log: AppendLog, fs: Fs) {
    this.#log = log
    this.#fs = fs
  }

  /** Whether there are blocks to fetch at or after a place. */
  hasMore({ segment, offset }: LogPlace): boolean {
    const { end } = this.#log
    return segment < end.segment || offset < end.offset
  }

  /**
   * Fetches entries starting at a place. Call it only if `hasMore`, and never concurrently.
   *
   * Throws `CHECKPOINT_CORRUPT`.
   */
  async fetch(from: LogPlace): Promise<Fetched> {
    const isAtEnd = from.offset >= (this.#log.endOf(from.segment) ?? 0)
    const { segment, offset } = isAtEnd ? { segment: from.segment + 1, offset: 0 } : from
    const file = await this.#fileOf(segment)
    const path = this.#log.pathOf(segment)
    const bytes = await this.#read(file, segment, offset)
    const entries: FetchedEntry[] = []
    let at = 0
    for (;;) {
      const stored = blockAt(bytes, at, `${path}, byte ${offset + at}`)
      if (stored === undefined) break
      if (stored.payload[0] === blockKind.entry) {
        const content = new ByteReader(stored.payload, 1)
        entries.push({ segment, offset: offset + at, bytes: stored.end - at, content })
      }
      at = stored.end
    }
    // Everything before the durable end was intact when it was written.
    if (at === 0) throw damaged(path, offset)
    return { entries, next: { segment, offset: offset + at } }
  }

  async close(): Promise<void> {
    await this.#open?.file.close()
    this.#open = undefined
  }

  async #fileOf(segment: number): Promise<FsFile> {
    if (this.#open?.segment === segment) return this.#open.file
    await this.close()
    const file = await this.#fs.open(this.#log.pathOf(segment), 'read')
    this.#open = { segment, file }
    return file
  }

  /** Reads a chunk that contains at least the whole next block, if it is undamaged. */
  async #read(file: FsFile, segment: number, offset: number): Promise<Uint8Array> {
    const left = (this.#log.endOf(segment) ?? 0) - offset
    const chunk = await readAt(file, offset, Math.min(left, chunkBytes))
    const needed = blockEnd(chunk, 0) ?? 0
    if (needed <= chunk.length) return chunk
    if (needed > left) throw damaged(this.#log.pathOf(segment), offset)
    return readAt(file, offset, needed)
  }
}
