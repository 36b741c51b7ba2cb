import type { KeyToken } from '@millrace/core/store'
import type { BlockRecords } from './block-records.ts'
import type { DiskTable } from './disk-table.ts'
import { SeqPages } from './seq-pages.ts'
import { inSeqOrder } from './seq-order.ts'
import { bytesHash } from './token-hash.ts'

/** Seeds of the hashes that tell outer tokens apart while they are loaded, besides that of the index. */
const secondSeed = 0x1b87_3593
const thirdSeed = 0xcc9e_2d51

/** Fills the index of a table: entries as they are found, newest first, then the order of creation. */
export class TableLoader<T> {
  readonly table: DiskTable<T>
  readonly #seqs = new SeqPages()
  /** Of each outer token, 53 more bits of hash. With the 32 of the index no two that differ are taken for one. */
  readonly #marks = new SeqPages()
  /** The outer token of the record before: most have the same. */
  #records: BlockRecords | undefined = undefined
  #outerStart = -1
  #list = 0

  constructor(table: DiskTable<T>) {
    this.table = table
  }

  /** Whether a newer record of this cell was found. */
  has(records: BlockRecords, record: number): boolean {
    const { entries } = this.table
    const [hash, seq] = [records.hash(record), records.seq(record)]
    for (let entry = entries.first(hash); entry !== 0; entry = entries.after(entry)) {
      if (entries.hash(entry) === hash && this.#seqs.get(entry) === seq) return true
    }
    return false
  }

  /** Adds the cell of a record. */
  add(records: BlockRecords, record: number, placeA: number, placeB: number): void {
    this.table.entries.setPlace(this.#add(records, record), placeA, placeB)
  }

  /** Adds a cell that the next snapshot must write. */
  addChanged(records: BlockRecords, record: number): void {
    this.table.restoreChanged(this.#add(records, record), records, record)
  }

  /** Links the entries. Yields after each, and after other steps. */
  *link(): Generator<undefined> {
    const { entries, lists } = this.table
    for (const entry of inSeqOrder(this.#seqs, entries.last)) {
      if (entry !== undefined) {
        const list = entries.previous(entry)
        if (lists.count(list) === 0) lists.place(list)
        lists.append(list, entry)
        this.table.restored()
      }
      yield undefined
    }
    if (this.table.spec.staysLive !== true) return
    for (let entry = 1; entry <= entries.last; entry++) {
      this.table.at(entry)
      yield undefined
    }
  }

  #add(records: BlockRecords, record: number): number {
    const { entries } = this.table
    const entry = entries.add(records.hash(record))
    this.#seqs.set(entry, records.seq(record))
    entries.setPrevious(entry, this.#listOf(records, record))
    return entry
  }

  #listOf(records: BlockRecords, record: number): number {
    const start = records.outerStart(record)
    if (records === this.#records && start === this.#outerStart) return this.#list
    const [hash, end] = [records.outerHash(record), records.outerEnd(record)]
    const mark =
      bytesHash(records.bytes, start, end, secondSeed) * 2 ** 21 +
      (bytesHash(records.bytes, start, end, thirdSeed) >>> 11)
    this.#records = records
    this.#outerStart = start
    this.#list = this.#known(hash, mark) ?? this.#prepare(hash, mark)
    return this.#list
  }

  #known(hash: number, mark: number): number | undefined {
    for (const list of this.table.lists.withHash(hash)) if (this.#marks.get(list) === mark) return list
    return undefined
  }

  #prepare(hash: number, mark: number): number {
    const list = this.table.lists.prepare(hash)
    this.#marks.set(list, mark)
    return list
  }
}

/** The outer token of a record, decoded once for records that share it. */
export class OuterReader {
  #records: BlockRecords | undefined = undefined
  #start = -1
  #token: KeyToken = null

  read(records: BlockRecords, record: number): KeyToken {
    const start = records.outerStart(record)
    if (records !== this.#records || start !== this.#start) {
      this.#token = records.outer(record)
      this.#records = records
      this.#start = start
    }
    return this.#token
  }
}
