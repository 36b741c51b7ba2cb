const pageBits = 12
const pageItems = 2 ** pageBits

/** A list in pages. (An array of a million items copies all of them when it grows, which blocks the event loop.) */
export class PagedList<T> {
  /** All full but the last. None is empty. */
  readonly #pages: T[][] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The item at an index from 0; there must be one. */
  at(index: number): T {
    return this.#pages[index >> pageBits]![index & (pageItems - 1)]!
  }

  /** Replaces the item at an index; there must be one. */
  set(index: number, item: T): void {
    this.#pages[index >> pageBits]![index & (pageItems - 1)] = item
  }

  push(item: T): void {
    if ((this.#length++ & (pageItems - 1)) === 0) this.#pages.push([item])
    else this.#pages.at(-1)!.push(item)
  }

  /** Removes and returns the last item; undefined if there is none. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined
    const page = this.#pages.at(-1)!
    const item = page.pop()
    if (page.length === 0) this.#pages.pop()
    this.#length--
    return item
  }

  *[Symbol.iterator](): Generator<T> {
    for (const page of this.#pages) yield* page
  }
}
