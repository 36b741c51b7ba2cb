import { ByteWriter, describeError, MillraceError } from '@millrace/core'
import { writeToken } from '@millrace/core/store'
import type { Codec } from '@millrace/core'
import type { KeyToken } from '@millrace/core/store'
import { recordKind, sameOuterFlag } from './record-block.ts'
import type { BlockOrigin } from './record-block.ts'
import type { MemoryCell } from './memory-cell.ts'
import type { Segment } from './segment.ts'
import type { BlockLog, OpenBlock } from './block-log.ts'

/**
 * Collects the records of one table into blocks.
 *
 * While a block is open, its segment is already fixed, so cells know where their records are. `BlockLog`
 * closes all open blocks before it begins another segment.
 */
export class BlockWriter<T> implements OpenBlock {
  readonly #origin: BlockOrigin
  readonly #codec: Codec<T>
  readonly #log: BlockLog
  #out = new ByteWriter(256)
  #recordCount = 0
  /** Where the current record starts. */
  #start = 0
  #seqBefore = 0
  #outerBefore: KeyToken | undefined = undefined
  /** The segment of the open block; undefined while no block is open. */
  #segment: Segment | undefined = undefined

  constructor(origin: BlockOrigin, codec: Codec<T>, log: BlockLog) {
    this.#origin = origin
    this.#codec = codec
    this.#log = log
  }

  /** Writes the value of the cell; its earlier records become dead. Returns the number of bytes. */
  value(cell: MemoryCell<T>): number {
    const { outer } = cell
    const isSameOuter = outer === this.#outerBefore
    const segment = this.#begin(isSameOuter ? recordKind.value + sameOuterFlag : recordKind.value, cell.seq)
    const out = this.#out
    out.varint(cell.group)
    if (!isSameOuter) writeToken(outer, out)
    writeToken(cell.inner, out)
    try {
      this.#codec.encode(cell.value, out)
    } catch (cause) {
      out.length = this.#start
      throw this.#refusal(cell, cause)
    }
    if (cell.segment !== undefined) cell.segment.liveBytes -= cell.bytes
    const bytes = this.#end(cell.seq)
    this.#outerBefore = outer
    segment.liveBytes += bytes
    cell.segment = segment
    cell.bytes = bytes
    this.#closeWhenFull()
    return bytes
  }

  /** Writes that the cell is deleted. */
  tombstone(cell: MemoryCell<T>): void {
    this.#begin(recordKind.tombstone, cell.seq).hasGraves = true
    this.#end(cell.seq)
    if (cell.segment !== undefined) cell.segment.liveBytes -= cell.bytes
    cell.segment = undefined
    this.#closeWhenFull()
  }

  /** Writes that all cells under `outer` up to `seq` are deleted. */
  drop(outer: KeyToken, seq: number): void {
    this.#begin(recordKind.drop, seq).hasGraves = true
    writeToken(outer, this.#out)
    this.#end(seq)
    this.#closeWhenFull()
  }

  close(): void {
    this.#segment = undefined
    this.#log.append(this, this.#origin, this.#recordCount, this.#out.written())
    // Free the buffer: one huge value must not keep its memory permanently.
    if (this.#out.bytes.length > 4 * this.#log.blockBytes) this.#out = new ByteWriter(this.#log.blockBytes)
    this.#out.reset()
    this.#recordCount = 0
    this.#seqBefore = 0
    this.#outerBefore = undefined
  }

  /** Starts a record; `#end` fills in its length. Returns its segment. */
  #begin(kind: number, seq: number): Segment {
    this.#segment ??= this.#log.openBlock(this)
    const out = this.#out
    this.#start = out.beginSized()
    const step = seq - this.#seqBefore
    out.byte(kind)
    out.varint(step >= 0 ? step * 2 : -step * 2 - 1)
    return this.#segment
  }

  /** Ends a record and returns its length. */
  #end(seq: number): number {
    this.#seqBefore = seq
    this.#recordCount++
    this.#out.endSized(this.#start)
    return this.#out.length - this.#start
  }

  #closeWhenFull(): void {
    if (this.#out.length < this.#log.blockBytes) return
    this.close()
    this.#log.sealWhenFull()
  }

  #refusal(cell: MemoryCell<T>, cause: unknown): MillraceError {
    const { owner, table, codecId } = this.#origin
    return new MillraceError(
      'CODEC_FAILED',
      `operator ${owner}, state ${table}: the value under key ${String(cell.inner)} cannot be encoded by codec ` +
        `${codecId}: ${describeError(cause)}`,
      { cause, place: owner },
    )
  }
}
