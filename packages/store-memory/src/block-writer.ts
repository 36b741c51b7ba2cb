import { ByteWriter, describeError, MillraceError, writeToken } from '@millrace/core'
import type { Codec, KeyToken } from '@millrace/core'
import { recordKind, sameOuterFlag } from './block-format.ts'
import type { BlockOrigin } from './block-format.ts'
import type { MemoryCell } from './memory-cell.ts'
import type { Segment } from './segment.ts'
import type { OpenBlock, SegmentLog } from './segment-log.ts'

/**
 * Gathers the records of one table into blocks.
 *
 * While a block is open, the segment it will stand in is already fixed, so cells can say where their
 * records are. `SegmentLog` closes all open blocks before it goes on to another segment.
 */
export class BlockWriter<T> implements OpenBlock {
  readonly #origin: BlockOrigin
  readonly #codec: Codec<T>
  readonly #log: SegmentLog
  #out = new ByteWriter(256)
  #recordCount = 0
  #seqBefore = 0
  #outerBefore: KeyToken | undefined = undefined
  /** Where the open block will stand; undefined while no block is open. */
  #segment: Segment | undefined = undefined

  constructor(origin: BlockOrigin, codec: Codec<T>, log: SegmentLog) {
    this.#origin = origin
    this.#codec = codec
    this.#log = log
  }

  /** Writes what the cell holds now; its records before this one are dead. Returns the bytes it took. */
  value(cell: MemoryCell<T>): number {
    const segment = this.#open()
    const start = this.#out.length
    this.#begin(recordKind.value, cell.seq, cell.group, cell.outer)
    writeToken(cell.inner, this.#out)
    this.#encode(cell, start)
    const bytes = this.#out.length - start
    if (cell.segment !== undefined) cell.segment.liveBytes -= cell.bytes
    segment.liveBytes += bytes
    cell.segment = segment
    cell.bytes = bytes
    this.#end(cell.seq, cell.outer)
    return bytes
  }

  /** Writes that the cell is gone. */
  tombstone(cell: MemoryCell<T>): void {
    this.#open().hasGraves = true
    this.#begin(recordKind.tombstone, cell.seq, cell.group, cell.outer)
    writeToken(cell.inner, this.#out)
    if (cell.segment !== undefined) cell.segment.liveBytes -= cell.bytes
    cell.segment = undefined
    this.#end(cell.seq, cell.outer)
  }

  /** Writes that all cells under `outer` up to `seq` are gone. */
  drop(outer: KeyToken, seq: number): void {
    this.#open().hasGraves = true
    this.#begin(recordKind.drop, seq, 0, outer)
    this.#end(seq, outer)
  }

  close(): void {
    this.#segment = undefined
    this.#log.append(this, this.#origin, this.#recordCount, this.#out.written())
    // One huge value must not hold its memory for ever.
    if (this.#out.bytes.length > 4 * this.#log.blockBytes) this.#out = new ByteWriter(this.#log.blockBytes)
    this.#out.reset()
    this.#recordCount = 0
    this.#seqBefore = 0
    this.#outerBefore = undefined
  }

  #open(): Segment {
    return (this.#segment ??= this.#log.openBlock(this))
  }

  #begin(kind: number, seq: number, group: number, outer: KeyToken): void {
    const out = this.#out
    const isSameOuter = outer === this.#outerBefore
    const step = seq - this.#seqBefore
    out.byte(isSameOuter ? kind + sameOuterFlag : kind)
    out.varint(step >= 0 ? step * 2 : -step * 2 - 1)
    out.varint(group)
    if (!isSameOuter) writeToken(outer, out)
  }

  #end(seq: number, outer: KeyToken): void {
    this.#seqBefore = seq
    this.#outerBefore = outer
    this.#recordCount++
    if (this.#out.length < this.#log.blockBytes) return
    this.close()
    this.#log.sealWhenFull()
  }

  /** The value with its length before it. Most values are short, so one byte is set aside for the length. */
  #encode(cell: MemoryCell<T>, start: number): void {
    const out = this.#out
    const at = out.length
    out.byte(0)
    try {
      this.#codec.encode(cell.value, out)
    } catch (cause) {
      out.length = start
      throw this.#refusal(cell, cause)
    }
    const length = out.length - at - 1
    if (length < 0x80) {
      out.bytes[at] = length
      return
    }
    let gap = 0
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
      out.byte(0)
      gap++
    }
    const end = out.length
    out.bytes.copyWithin(at + 1 + gap, at + 1, at + 1 + length)
    out.length = at
    out.varint(length)
    out.length = end
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
