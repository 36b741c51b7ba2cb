import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { Json } from '../codec/json.ts'
import type { Pacing } from '../disk/yield-budget.ts'
import { splitGroup, tokenHash } from '../record/key-group.ts'
import { MIN_TIME, type EventTime, timeText } from '../record/time.ts'
import type { Cell, StateTable, TableSpec } from '../state/state-store.ts'
import type { SavedGenerator } from '../time/watermark-generator.ts'

/** The length from which a page is full. */
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
  /** Where a later run resumes; undefined if it has ended for good. */
  readonly position: Json | undefined
  /** The state of its watermark generator, for that run. */
  readonly generator?: SavedGenerator | undefined
}

/** Where in the store a page is. */
interface Page {
  readonly group: number
  readonly number: number
}

/** A finished split as stored on a page. */
interface Entry {
  readonly split: string
  readonly newest: EventTime
  /** The position as JSON, and behind a line end the state of its generator, if it has one; empty if there is no position. */
  readonly json: Uint8Array
  /** Where on its page it begins. */
  readonly place: number
}

/**
 * The splits that have ended, for good or for a run, so that none is read again, however often discovery returns it.
 *
 * Each takes the bytes of its name, some 30 more, and those of its position if it has one. Entries are on pages, by
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

  /** Adds a split that has ended. */
  add(ended: FinishedSplit): void {
    this.#add(ended.split, ended.newest, jsonOf(ended))
  }

  *all(): Generator<FinishedSplit> {
    for (const index of this.#pages.keys()) {
      for (const { split, newest, json } of this.#entriesOf(index)) {
        yield { split, newest, ...resumptionOf(json) }
      }
    }
  }

  /** Removes splits: discovery will not return them again, or they are read again. */
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
    const group = splitGroup(split, this.#keyGroups)
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

  /** Adds a restored page. */
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

  /** Removes a page from the store. Its remaining entries move to another page, so that no page stays nearly empty. */
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

/** How a later run resumes a split, as text: the JSON of a value has no line end. */
function jsonOf({ position, generator }: FinishedSplit): Uint8Array {
  if (position === undefined) return noBytes
  const text = JSON.stringify(position)
  return utf8.encode(generator === undefined ? text : `${text}\n${JSON.stringify(generator)}`)
}

function resumptionOf(json: Uint8Array): Pick<FinishedSplit, 'position' | 'generator'> {
  if (json.length === 0) return { position: undefined }
  const [position, generator] = fromUtf8.decode(json).split('\n') as [string, string?]
  return {
    position: JSON.parse(position) as Json,
    ...(generator !== undefined && { generator: JSON.parse(generator) as SavedGenerator }),
  }
}

const empty = -1
const removed = -2

/**
 * Finds numbers by hashes of 32 bits, in 12 bytes for each place: an open table in typed arrays. Several numbers may have the same
 * hash; the caller compares the entries.
 */
class HashIndex {
  #hashes = new Int32Array(16)
  /** The numbers, from 0 to 2^53-1. */
  #numbers = new Float64Array(16).fill(empty)
  #size = 0
  /** How many places are not empty, removed ones among them. */
  #used = 0

  get size(): number {
    return this.#size
  }

  add(hash: number, number: number): void {
    if ((this.#used + 1) * 2 > this.#numbers.length) this.#rebuild()
    this.#put(hash, number)
    this.#size++
    this.#used++
  }

  /** The first number with the hash that `isWanted` accepts; undefined if there is none. */
  find(hash: number, isWanted: (number: number) => boolean): number | undefined {
    const place = this.#placeOf(hash, isWanted)
    return place === undefined ? undefined : this.#numbers[place]
  }

  /** Removes a present number. */
  remove(hash: number, number: number): void {
    const place = this.#placeOf(hash, (other) => other === number)
    if (place === undefined) return
    this.#numbers[place] = removed
    this.#size--
  }

  #placeOf(hash: number, isWanted: (number: number) => boolean): number | undefined {
    const [hashes, numbers] = [this.#hashes, this.#numbers]
    const mask = numbers.length - 1
    for (let place = this.#startOf(hash); ; place = (place + 1) & mask) {
      const number = numbers[place]!
      if (number === empty) return undefined
      if (hashes[place] === hash && number !== removed && isWanted(number)) return place
    }
  }

  /** Key groups take the low bits of a hash, so all hashes here may have those in common. */
  #startOf(hash: number): number {
    return Math.imul(hash, 0x9e37_79b1) >>> (Math.clz32(this.#numbers.length) + 1)
  }

  #put(hash: number, number: number): void {
    const mask = this.#numbers.length - 1
    let place = this.#startOf(hash)
    while (this.#numbers[place] !== empty) place = (place + 1) & mask
    this.#hashes[place] = hash
    this.#numbers[place] = number
  }

  /** Drops the removed places, and doubles the space for numbers. */
  #rebuild(): void {
    const [hashes, numbers] = [this.#hashes, this.#numbers]
    let length = 16
    while (length < (this.#size + 1) * 3) length *= 2
    this.#hashes = new Int32Array(length)
    this.#numbers = new Float64Array(length).fill(empty)
    this.#used = this.#size
    for (let place = 0; place < numbers.length; place++) {
      if (numbers[place]! >= 0) this.#put(hashes[place]!, numbers[place]!)
    }
  }
}

/**
 * Splits that are resumed after the end of a run with a lower event time than their source had then: other splits continued
 * after they had ended, so records that were added to them may be late.
 */
export class SplitsBehind {
  /** The watermark of the source at the end of the last run; `MIN_TIME` if the job does not start from such an end. */
  readonly #reached: EventTime
  #count = 0
  #first: { readonly split: string; readonly newest: EventTime } | undefined

  constructor(reached: EventTime) {
    this.#reached = reached
  }

  /** `split` has more than had been read of it. */
  note(split: string, newest: EventTime): void {
    if (newest === MIN_TIME || newest >= this.#reached) return
    this.#count++
    this.#first ??= { split, newest }
  }

  /** The warning about them; undefined if there are none. */
  warning(): string | undefined {
    if (this.#first === undefined) return undefined
    const { split, newest } = this.#first
    const which =
      this.#count === 1 ? `split '${split}'` : `${this.#count} splits, the first of them '${split}',`
    return `${which} had ended at event time ${timeText(newest)}, when others of that run had reached ${timeText(this.#reached)}. Records that were added since may be late where they are older than that`
  }
}
