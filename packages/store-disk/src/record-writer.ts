import { ByteWriter, describeError, MillraceError } from '@millrace/core'
import { writeToken, type KeyToken, type TableSpec } from '@millrace/core/store'
import { recordKind, sameOuterFlag, sealRecords, type BlockOrigin } from '@millrace/store-memory/segments'
import type { DiskCell } from './disk-cell.ts'
import type { PendingRecord } from './pending-record.ts'
import type { DiskLog, LogSegment, OpenRecords } from './disk-log.ts'
import { bytesOf, placeWord, recordsMax } from './place.ts'
import type { BlockRecords } from './block-records.ts'

/** What a table does about the records that it wrote. */
export interface RecordOwner<T> {
  /** A value is in the log. */
  placed(cell: DiskCell<T>, record: PendingRecord, at: RecordPlace): void
  /** A copy of the record of an entry is in the log. `from` is the place of the original. */
  copied(entry: number, from: readonly [placeA: number, placeB: number], at: RecordPlace): void
}

/** Where a record is, and the level at which it was written. */
export interface RecordPlace {
  readonly target: LogSegment
  readonly offset: number
  readonly level: number
  readonly word: number
}

/** A pending record and whose it is: a cell's, or a copy. */
interface Pending<T> {
  readonly record: PendingRecord
  readonly cell: DiskCell<T> | undefined
  readonly entry: number
  readonly placeA: number
  readonly placeB: number
}

const scratch = new ByteWriter(256)

/** Collects the records of one table at one level into blocks. */
export class RecordWriter<T> implements OpenRecords {
  readonly #spec: TableSpec<T>
  readonly #origin: BlockOrigin
  readonly #log: DiskLog
  readonly #level: number
  readonly #owner: RecordOwner<T>
  #out = new ByteWriter(512)
  #count = 0
  #seqBefore = 0
  #outerBefore: KeyToken | undefined = undefined
  #start = 0
  #pending: Pending<T>[] = []
  #hasGraves = false

  constructor(spec: TableSpec<T>, log: DiskLog, level: number, owner: RecordOwner<T>) {
    const { subtask, name, groups, codec } = spec
    this.#spec = spec
    this.#origin = {
      owner: spec.owner,
      subtask,
      table: name,
      groups,
      codecId: codec.id,
      codecVersion: codec.version,
    }
    this.#log = log
    this.#level = level
    this.#owner = owner
  }

  /** Writes the value of a cell. Returns the length of the record. */
  value(cell: DiskCell<T>): number {
    const isSameOuter = cell.outer === this.#outerBefore
    this.#begin(isSameOuter ? recordKind.value + sameOuterFlag : recordKind.value, cell.seq)
    const out = this.#out
    out.varint(cell.group)
    if (!isSameOuter) writeToken(cell.outer, out)
    writeToken(cell.inner, out)
    try {
      this.#spec.codec.encode(cell.value, out)
    } catch (cause) {
      out.length = this.#start
      throw this.#refusal(cell, cause)
    }
    const bytes = this.#end(cell.seq)
    this.#outerBefore = cell.outer
    const record = { index: this.#count - 1, bytes }
    cell.pending = record
    this.#pending.push({ record, cell, entry: cell.entry, placeA: 0, placeB: 0 })
    this.#closeWhenFull()
    return bytes
  }

  /** Writes a value again, as its bytes are. */
  copy(from: BlockRecords, record: number, entry: number, placeA: number, placeB: number): number {
    const seq = from.seq(record)
    this.#begin(recordKind.value, seq)
    const out = this.#out
    out.varint(from.group(record))
    out.raw(from.bytes.subarray(from.outerStart(record), from.outerEnd(record)))
    out.raw(from.bytes.subarray(from.innerStart(record), from.innerEnd(record)))
    out.raw(from.valueBytes(record))
    const bytes = this.#end(seq)
    this.#outerBefore = undefined
    this.#pending.push({ record: { index: this.#count - 1, bytes }, cell: undefined, entry, placeA, placeB })
    this.#closeWhenFull()
    return bytes
  }

  /** Writes that the cell with this number is deleted. */
  tombstone(seq: number): void {
    this.#begin(recordKind.tombstone, seq)
    this.#end(seq)
    this.#closeWhenFull()
  }

  /** Writes that all cells under `outer` up to `seq` are deleted. */
  drop(outer: KeyToken, seq: number): void {
    this.#begin(recordKind.drop, seq)
    writeToken(outer, this.#out)
    this.#end(seq)
    this.#closeWhenFull()
  }

  close(): void {
    if (this.#count === 0) return
    const records = this.#out.written()
    scratch.reset()
    const { head, trailer, checksum } = sealRecords(scratch, this.#origin, this.#count, records)
    const block = new Uint8Array(head.length + records.length + trailer.length)
    block.set(head)
    block.set(records, head.length)
    block.set(trailer, head.length + records.length)
    const [target, offset] = this.#log.append(this.#level, this, block, checksum)
    if (this.#hasGraves) target.segment.hasGraves = true
    const pending = this.#pending
    // Free the buffer: one huge value must not keep its memory permanently.
    if (this.#out.bytes.length > 4 * this.#log.blockBytes) this.#out = new ByteWriter(this.#log.blockBytes)
    this.#out.reset()
    this.#count = 0
    this.#seqBefore = 0
    this.#outerBefore = undefined
    this.#hasGraves = false
    this.#pending = []
    for (const each of pending) this.#place(each, target, offset)
    this.#log.sealWhenFull()
  }

  #place({ record, cell, entry, placeA, placeB }: Pending<T>, target: LogSegment, offset: number): void {
    const word = placeWord(target.slot, record.index, record.bytes)
    const at = { target, offset, level: this.#level, word }
    target.segment.liveBytes += bytesOf(word)
    if (cell === undefined) this.#owner.copied(entry, [placeA, placeB], at)
    else this.#owner.placed(cell, record, at)
  }

  #begin(kind: number, seq: number): void {
    if (this.#count === 0) this.#log.openBlock(this.#level, this)
    if (kind === recordKind.tombstone || kind === recordKind.drop) this.#hasGraves = true
    const out = this.#out
    this.#start = out.beginSized()
    const step = seq - this.#seqBefore
    out.byte(kind)
    out.varint(step >= 0 ? step * 2 : -step * 2 - 1)
  }

  #end(seq: number): number {
    this.#seqBefore = seq
    this.#count++
    this.#out.endSized(this.#start)
    return this.#out.length - this.#start
  }

  #closeWhenFull(): void {
    if (this.#out.length >= this.#log.blockBytes || this.#count >= recordsMax) this.close()
  }

  #refusal(cell: DiskCell<T>, cause: unknown): MillraceError {
    const { owner, name, codec } = this.#spec
    return new MillraceError(
      'CODEC_FAILED',
      `operator ${owner}, state ${name}: the value under key ${String(cell.inner)} cannot be encoded by codec ` +
        `${codec.id}: ${describeError(cause)}`,
      { cause, place: owner },
    )
  }
}
