import { ByteWriter } from '@millrace/core'
import { chainChecksum } from '@millrace/segment-log'
import type { SegmentWriter } from '@millrace/segment-log'
import { sealRecords } from './record-block.ts'
import type { BlockOrigin } from './record-block.ts'
import type { Segment } from './segment.ts'
import type { SegmentSet } from './segment-set.ts'

/** An open block. */
export interface OpenBlock {
  /** Appends the block to the log. */
  close(): void
}

/** Long enough for many records to share a header, short enough to be read at once. */
const blockBytesMax = 64 * 1024

/**
 * The destination of blocks: the end of the active segment.
 *
 * Every open block will be in the active segment, so there is one as long as a block is open, and it is
 * sealed only after all of them are closed.
 */
export class BlockLog {
  readonly #set: SegmentSet
  readonly #writer: SegmentWriter
  readonly #segmentBytes: number
  /** A block is closed when its records have this size. */
  readonly blockBytes: number
  readonly #open = new Set<OpenBlock>()
  readonly #scratch = new ByteWriter(256)
  /** Bytes appended so far. */
  bytes = 0

  constructor(set: SegmentSet, writer: SegmentWriter, segmentBytes: number) {
    this.#set = set
    this.#writer = writer
    this.#segmentBytes = segmentBytes
    this.blockBytes = Math.min(blockBytesMax, segmentBytes / 16)
  }

  /** Whether so many bytes wait for the disk that encoding should pause. */
  get isBehind(): boolean {
    return this.#writer.isBehind
  }

  /** Registers an open block and returns its segment. */
  openBlock(block: OpenBlock): Segment {
    this.#open.add(block)
    return this.#set.active ?? this.#activate()
  }

  /** Appends a block; called by its `close`. */
  append(block: OpenBlock, origin: BlockOrigin, recordCount: number, records: Uint8Array): void {
    this.#open.delete(block)
    const segment = this.#set.active ?? this.#activate()
    const { head, trailer, checksum } = sealRecords(this.#scratch, origin, recordCount, records)
    this.#writer.append(head)
    this.#writer.append(records)
    this.#writer.append(trailer)
    const bytes = head.length + records.length + trailer.length
    segment.bytes += bytes
    this.bytes += bytes
    segment.checksum = chainChecksum(segment.checksum, checksum)
  }

  closeBlocks(): void {
    for (const block of this.#open) block.close()
  }

  /** The next record opens a new segment. */
  seal(): void {
    if (this.#set.active === undefined) return
    this.closeBlocks()
    this.#set.seal()
    this.#writer.finish()
  }

  sealWhenFull(): void {
    if (this.#set.active !== undefined && this.#set.active.bytes >= this.#segmentBytes) this.seal()
  }

  #activate(): Segment {
    const segment = this.#set.activate()
    this.#writer.start(segment.file)
    return segment
  }
}
