/** A binary heap: the first item in the order of `isBefore` is always at hand. Items it calls equal come in any order. */
export class BinaryHeap<T> {
  #items: T[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    const items = this.#items
    items.push(item)
    let at = items.length - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(item, items[parent]!)) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  /** Takes the first item out. */
  take(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length > 0) this.#sink(0, last!)
    return first
  }

  /** Keeps the items that `isWanted` says, asking for each once and in any order. */
  keep(isWanted: (item: T) => boolean): void {
    this.#items = this.#items.filter(isWanted)
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(at, this.#items[at]!)
  }

  clear(): void {
    this.#items = []
  }

  /** Puts `item` in the place `at` or below it, moving up what comes before it. */
  #sink(start: number, item: T): void {
    const items = this.#items
    const { length } = items
    let at = start
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#isBefore(items[child + 1]!, items[child]!)) child++
      if (!this.#isBefore(items[child]!, item)) break
      items[at] = items[child]!
      at = child
    }
    items[at] = item
  }
}
