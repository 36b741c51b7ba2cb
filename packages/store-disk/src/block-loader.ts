import { assert } from '@millrace/core/store'
import { DropList, type Segment } from '@millrace/store-memory/segments'
import type { BlockRecords } from './block-records.ts'
import type { DiskTable } from './disk-table.ts'
import { Entries, ownWords } from './entries.ts'
import { bytesOf, placeWord, recordsMax } from './place.ts'
import { OuterReader, TableLoader } from './table-loader.ts'

/** The tables of an operator's subtasks for one piece of state. */
interface Family {
  /** The owner of each key group. */
  readonly byGroup: (TableLoader<unknown> | undefined)[]
  readonly loaders: TableLoader<unknown>[]
  readonly drops: DropList
}

/** Where a block is. */
export interface BlockPlace {
  readonly segment: Segment
  readonly slot: number
  readonly offset: number
}

/**
 * Fills the index from blocks, which arrive newest first. No value is decoded.
 *
 * For each cell the newest record counts, and older ones are skipped: see the memory store, which loads the same files.
 */
export class BlockLoader {
  /** By owner, then by name of the table. */
  readonly #families = new Map<string, Map<string, Family>>()
  readonly #dead = new DeadCells()
  readonly #outer = new OuterReader()

  constructor(tables: Iterable<DiskTable<unknown>>) {
    for (const table of tables) this.#register(table)
  }

  /** Reads the records of a block. Yields after each. */
  *load(records: BlockRecords, at: BlockPlace): Generator<undefined> {
    const family = this.#families.get(records.origin.owner)?.get(records.origin.table)
    for (let record = records.count - 1; record >= 0; record--) {
      if (records.isValue(record)) {
        if (family !== undefined) this.#value(records, record, at, family)
      } else {
        at.segment.hasGraves = true
        if (!records.isDrop(record)) this.#dead.add(records.seq(record))
        else {
          const { groups } = records.origin
          family?.drops.add(this.#outer.read(records, record), { seq: records.seq(record), groups })
        }
      }
      yield
    }
  }

  /** Puts the entries in order, after all blocks were read. Yields after each unit of work. */
  *finish(): Generator<undefined> {
    for (const byName of this.#families.values()) {
      for (const { loaders } of byName.values()) for (const loader of loaders) yield* loader.link()
    }
  }

  #value(records: BlockRecords, record: number, at: BlockPlace, family: Family): void {
    const [seq, group] = [records.seq(record), records.group(record)]
    const loader = family.byGroup[group]
    if (loader === undefined || seq <= loader.table.since || this.#dead.has(seq)) return
    if (!family.drops.isEmpty && family.drops.covers(this.#outer.read(records, record), seq, group)) return
    if (loader.has(records, record)) return
    // A block of the memory store may have more records than a place can distinguish.
    if (record >= recordsMax || loader.table.isForeign(records)) {
      loader.addChanged(records, record)
      return
    }
    const placeB = placeWord(at.slot, record, records.size(record))
    at.segment.liveBytes += bytesOf(placeB)
    loader.add(records, record, at.offset, placeB)
  }

  #register(table: DiskTable<unknown>): void {
    const { owner, name, groups } = table.spec
    let byName = this.#families.get(owner)
    if (byName === undefined) this.#families.set(owner, (byName = new Map()))
    let family = byName.get(name)
    if (family === undefined) byName.set(name, (family = { loaders: [], byGroup: [], drops: new DropList() }))
    const loader = new TableLoader(table)
    family.loaders.push(loader)
    for (let group = groups.first; group <= groups.last; group++) {
      assert(family.byGroup[group] === undefined, `key group ${group} of ${owner} belongs to one subtask`)
      family.byGroup[group] = loader
    }
  }
}

const lowWord = ownWords
const highWord = ownWords + 1

/** The numbers of deleted cells. */
class DeadCells {
  readonly #entries = new Entries(2)

  add(seq: number): void {
    if (this.has(seq)) return
    const [low, high] = [seq >>> 0, Math.floor(seq / 2 ** 32)]
    const entry = this.#entries.add(hashOf(low, high))
    this.#entries.set(entry, lowWord, low)
    this.#entries.set(entry, highWord, high)
  }

  has(seq: number): boolean {
    const entries = this.#entries
    if (entries.size === 0) return false
    const [low, high] = [seq >>> 0, Math.floor(seq / 2 ** 32)]
    for (let entry = entries.first(hashOf(low, high)); entry !== 0; entry = entries.after(entry)) {
      if (entries.get(entry, lowWord) === low && entries.get(entry, highWord) === high) return true
    }
    return false
  }
}

function hashOf(low: number, high: number): number {
  const hash = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1)
  return (hash ^ (hash >>> 15)) >>> 0
}
