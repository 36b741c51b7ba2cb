import { PagedList } from './paged-list.ts'

/**
 * A binary heap with constant-time access to the first item in the order of `isBefore`. Equal items come in any order.
 */
export class BinaryHeap<T> {
  readonly #items = new PagedList<T>()
  readonly #isBefore: (a: T, b: T) => boolean
  readonly #placed: (item: T, place: number) => void

  /** `placed` is called with the index of each item, which `remove` needs. */
  constructor(isBefore: (a: T, b: T) => boolean, placed: (item: T, place: number) => void = () => {}) {
    this.#isBefore = isBefore
    this.#placed = placed
  }

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items.length === 0 ? undefined : this.#items.at(0)
  }

  add(item: T): void {
    const items = this.#items
    items.push(item)
    this.#rise(items.length - 1, item)
  }

  /** Removes and returns the first item. */
  take(): T | undefined {
    const items = this.#items
    const { first } = this
    const last = items.pop()
    if (items.length > 0) this.#sink(0, last!)
    return first
  }

  /** Removes the item at `place`. */
  remove(place: number): void {
    const items = this.#items
    const last = items.pop()!
    if (place === items.length) return
    if (place > 0 && this.#isBefore(last, items.at((place - 1) >> 1))) this.#rise(place, last)
    else this.#sink(place, last)
  }

  /** Puts `item` in the place `start` or above it, moving down what comes after it. */
  #rise(start: number, item: T): void {
    const items = this.#items
    let at = start
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items.at(above)
      if (!this.#isBefore(item, parent)) break
      items.set(at, parent)
      this.#placed(parent, at)
      at = above
    }
    items.set(at, item)
    this.#placed(item, at)
  }

  /** Puts `item` in the place `start` or below it, moving up what comes before it. */
  #sink(start: number, item: T): void {
    const items = this.#items
    const { length } = items
    let at = start
    for (;;) {
      let below = 2 * at + 1
      if (below >= length) break
      if (below + 1 < length && this.#isBefore(items.at(below + 1), items.at(below))) below++
      const child = items.at(below)
      if (!this.#isBefore(child, item)) break
      items.set(at, child)
      this.#placed(child, at)
      at = below
    }
    items.set(at, item)
    this.#placed(item, at)
  }
}
