import type { Fs, FsFile } from '@millrace/core'
import { blockEnd, decodePayload, storedBlockAt, type Block, type Checksum } from './inbox-block.ts'
import type { InboxLog } from './inbox-log.ts'
import { damaged, readAt, requireHead, segmentHead, type InboxPosition } from './inbox-segments.ts'

/** Bytes per read, unless a block is larger. */
const chunkBytes = 256 * 1024

/** The start of a block. */
export type BlockPlace = Omit<InboxPosition, 'record'>

/** The accepted records of one block. */
export interface FetchedBlock extends BlockPlace {
  /** Its size in the file, in bytes. */
  readonly bytes: number
  readonly records: readonly Uint8Array[]
}

/** The result of one fetch. */
export interface Fetched {
  /** Blocks without records are omitted, so the list may be empty. */
  readonly blocks: readonly FetchedBlock[]
  /** Where the next fetch begins. */
  readonly next: BlockPlace
}

/** Reads the log block by block, up to its durable end. Keeps one segment open. */
export class BlockReader {
  readonly #log: InboxLog
  readonly #fs: Fs
  readonly #checksum: Checksum
  #open: { readonly segment: number; readonly file: FsFile } | undefined

  constructor(log: InboxLog, fs: Fs, checksum: Checksum) {
    this.#log = log
    this.#fs = fs
    this.#checksum = checksum
  }

  /** Whether there are blocks to fetch at or after a place. */
  hasMore({ segment, offset }: BlockPlace): boolean {
    const { end } = this.#log
    return segment < end.segment || offset < end.offset
  }

  /**
   * Fetches blocks starting at a place. Call it only if `hasMore`, and never concurrently.
   *
   * Throws `CHECKPOINT_CORRUPT`.
   */
  async fetch(from: BlockPlace): Promise<Fetched> {
    const isAtEnd = from.offset >= (this.#log.endOf(from.segment) ?? 0)
    const { segment, offset } = isAtEnd ? { segment: from.segment + 1, offset: segmentHead.length } : from
    const file = await this.#fileOf(segment)
    const path = this.#log.pathOf(segment)
    const bytes = await this.#read(file, segment, offset)
    const blocks: FetchedBlock[] = []
    let at = 0
    for (;;) {
      const stored = storedBlockAt(bytes, at, this.#checksum)
      if (stored === undefined) break
      const records = recordsOf(decodePayload(stored.payload))
      if (records.length > 0) {
        blocks.push({ segment, offset: offset + at, bytes: stored.end - at, records })
      }
      at = stored.end
    }
    // Everything before the durable end was intact when it was written.
    if (at === 0) throw damaged(path, offset)
    return { blocks, next: { segment, offset: offset + at } }
  }

  async close(): Promise<void> {
    await this.#open?.file.close()
    this.#open = undefined
  }

  async #fileOf(segment: number): Promise<FsFile> {
    if (this.#open?.segment === segment) return this.#open.file
    await this.close()
    const path = this.#log.pathOf(segment)
    const file = await this.#fs.open(path, 'read')
    this.#open = { segment, file }
    requireHead(await readAt(file, 0, segmentHead.length), path)
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

function recordsOf(block: Block): readonly Uint8Array[] {
  return block.kind === 'requests' ? block.requests.flatMap(({ records }) => records) : []
}
