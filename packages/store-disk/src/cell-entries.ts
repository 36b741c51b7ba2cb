import { Entries, ownWords } from './entries.ts'
import { liveMark } from './place.ts'

const nextWord = ownWords
const previousWord = ownWords + 1
const placeAWord = ownWords + 2
const placeBWord = ownWords + 3

/** The entries of the cells of a table: each with its neighbours under the same outer token, and where the value is. */
export class CellEntries extends Entries {
  constructor() {
    super(4)
  }

  next(entry: number): number {
    return this.get(entry, nextWord)
  }

  previous(entry: number): number {
    return this.get(entry, previousWord)
  }

  setNext(entry: number, next: number): void {
    this.set(entry, nextWord, next)
  }

  setPrevious(entry: number, previous: number): void {
    this.set(entry, previousWord, previous)
  }

  /** The slot of its cell; undefined if its value is not in memory. */
  liveSlot(entry: number): number | undefined {
    return this.get(entry, placeBWord) === liveMark ? this.get(entry, placeAWord) : undefined
  }

  setLive(entry: number, slot: number): void {
    this.setPlace(entry, slot, liveMark)
  }

  placeA(entry: number): number {
    return this.get(entry, placeAWord)
  }

  placeB(entry: number): number {
    return this.get(entry, placeBWord)
  }

  setPlace(entry: number, placeA: number, placeB: number): void {
    this.set(entry, placeAWord, placeA)
    this.set(entry, placeBWord, placeB)
  }

  override remove(entry: number): void {
    // Who holds an evicted cell must not find its place here.
    this.setPlace(entry, 0, 0)
    super.remove(entry)
  }
}
