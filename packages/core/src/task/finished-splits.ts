import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { Json } from '../codec/json.ts'
import { keyGroup, tokenHash } from '../record/key-group.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { Pacing } from '../disk/yield-budget.ts'
import type { Cell, StateTable, TableSpec } from '../state/state-store.ts'
import { HashIndex } from './hash-index.ts'

/** A page that has grown so long is full. */
const pageBytes = 4096
/** The place of an entry on its page and the number of the page make one number. */
const placesPerPage = 0x1_0000

/** Pages as they are: they hold bytes already. */
const pageCodec: Codec<Uint8Array> = {
  id: 'finished-splits',
  version: 1,
  encode: (page, out) => out.blob(page),
  decode: (input) => input.blob().slice(),
}

/** The piece of state that a source keeps. */
export const finishedSplitsSpec: Pick<TableSpec<Uint8Array>, 'name' | 'codec'> = {
  name: 'finished splits',
  codec: pageCodec,
}

/** A split that has ended. */
export interface FinishedSplit {
  readonly split: string
  readonly newest: EventTime
  /** Where a later run reads on; undefined if it has ended for good. */
  readonly position: Json | undefined
}

/** Where in the store a page is. */
interface Page {
  readonly group: number
  readonly number: number
}

/** A finished split as it stands on a page. */
interface Entry {
  readonly split: string
  readonly newest: EventTime
  /** The position as JSON; empty if there is none. */
  readonly json: Uint8Array
  /** Where on its page it begins. */
  readonly place: number
}

/**
 * The splits that have ended, for good or for a run, so that none is read again, however often it is named.
 *
 * Each takes the bytes of its name, some 30 more, and those of its position if it has one. Entries stand on pages, by
 * key group, and a page is a cell of the state store: a checkpoint writes the pages that were added to since the last
 * one.
 */
export class FinishedSplits {
  readonly #table: StateTable<Uint8Array>
  readonly #keyGroups: number
  readonly #pages: (Page | undefined)[] = []
  /** By key group: the page that takes the next entry, as its index in `#pages`. */
  readonly #open = new Map<number, number>()
  readonly #index = new HashIndex()
  readonly #writer = new ByteWriter()
  #lastNumber = 0
  #newest: EventTime = MIN_TIME

  private constructor(table: StateTable<Uint8Array>, keyGroups: number) {
    this.#table = table
    this.#keyGroups = keyGroups
  }

  /** Those in a table that has been loaded. */
  static async load(
    table: StateTable<Uint8Array>,
    keyGroups: number,
    budget: Pacing,
  ): Promise<FinishedSplits> {
    const finished = new FinishedSplits(table, keyGroups)
    for (const group of table.outers()) {
      for (const cell of table.cells(group)) {
        finished.#enter(group as number, cell.inner as number, cell.value)
        if (budget.spend()) await budget.turn()
      }
    }
    return finished
  }

  get size(): number {
    return this.#index.size
  }

  /** The newest event time in those that have ended for good. */
  get newest(): EventTime {
    return this.#newest
  }

  has(split: string): boolean {
    return this.#find(split) !== undefined
  }

  /** A split that is not there yet has ended. */
  add({ split, newest, position }: FinishedSplit): void {
    this.#add(split, newest, position === undefined ? noBytes : utf8.encode(JSON.stringify(position)))
  }

  *all(): Generator<FinishedSplit> {
    for (const index of this.#pages.keys()) {
      for (const { split, newest, json } of this.#entriesOf(index)) {
        yield { split, newest, position: positionOf(json) }
      }
    }
  }

  /** Forgets splits: they will not be named again, or are read again. */
  remove(splits: readonly string[]): void {
    const byPage = new Map<number, Set<string>>()
    for (const split of splits) {
      const entry = this.#find(split)
      if (entry === undefined) continue
      const index = Math.floor(entry / placesPerPage)
      const names = byPage.get(index) ?? new Set()
      byPage.set(index, names.add(split))
    }
    for (const [index, names] of byPage) {
      for (const { split, newest, json } of this.#takePage(index)) {
        if (!names.has(split)) this.#add(split, newest, json)
      }
    }
  }

  #add(split: string, newest: EventTime, json: Uint8Array): void {
    const group = keyGroup(split, this.#keyGroups)
    const index = this.#open.get(group) ?? this.#newPage(group)
    const cell = this.#cellOf(index)
    const place = cell.value.length
    const writer = this.#writer
    writer.reset()
    writer.raw(cell.value)
    writer.text(split)
    writer.float64(newest)
    writer.blob(json)
    cell.value = writer.written().slice()
    this.#table.changed(cell)
    this.#note(index, { split, newest, json, place })
    if (cell.value.length >= pageBytes) this.#open.delete(group)
  }

  #newPage(group: number): number {
    const number = ++this.#lastNumber
    const index = this.#pages.push({ group, number }) - 1
    this.#table.create(group, number, group, new Uint8Array(0))
    this.#open.set(group, index)
    return index
  }

  /** Takes in a page that was restored. */
  #enter(group: number, number: number, page: Uint8Array): void {
    const index = this.#pages.push({ group, number }) - 1
    this.#lastNumber = Math.max(this.#lastNumber, number)
    for (const entry of entriesOn(page)) this.#note(index, entry)
    if (page.length < pageBytes) this.#open.set(group, index)
  }

  #note(index: number, { split, newest, json, place }: Entry): void {
    this.#index.add(tokenHash(split), index * placesPerPage + place)
    if (json.length === 0 && newest > this.#newest) this.#newest = newest
  }

  /** Removes a page from the store. What is left of it goes to another, so that no page is nearly empty for long. */
  #takePage(index: number): readonly Entry[] {
    const entries = this.#entriesOf(index)
    const { group, number } = this.#pages[index]!
    for (const { split, place } of entries) {
      this.#index.remove(tokenHash(split), index * placesPerPage + place)
    }
    this.#table.delete(this.#table.find(group, number)!)
    this.#pages[index] = undefined
    if (this.#open.get(group) === index) this.#open.delete(group)
    return entries
  }

  #entriesOf(index: number): readonly Entry[] {
    return this.#pages[index] === undefined ? [] : entriesOn(this.#cellOf(index).value)
  }

  #find(split: string): number | undefined {
    return this.#index.find(tokenHash(split), (entry) => {
      const place = entry % placesPerPage
      const { value } = this.#cellOf((entry - place) / placesPerPage)
      return new ByteReader(value, place).text() === split
    })
  }

  #cellOf(index: number): Cell<Uint8Array> {
    const { group, number } = this.#pages[index]!
    return this.#table.find(group, number)!
  }
}

const noBytes = new Uint8Array(0)
const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

function entriesOn(page: Uint8Array): readonly Entry[] {
  const entries: Entry[] = []
  for (const reader = new ByteReader(page); reader.remaining > 0;) {
    const place = reader.position
    entries.push({ split: reader.text(), newest: reader.float64(), json: reader.blob(), place })
  }
  return entries
}

function positionOf(json: Uint8Array): Json | undefined {
  return json.length === 0 ? undefined : (JSON.parse(fromUtf8.decode(json)) as Json)
}
