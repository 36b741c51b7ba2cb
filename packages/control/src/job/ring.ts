/** The newest entries of a list that grows, numbered from 1. */
export class Ring<T> {
  readonly #size: number
  #entries: T[] = []
  #last = 0

  constructor(size: number) {
    this.#size = size
  }

  /** The number of the newest entry, or 0. */
  get last(): number {
    return this.#last
  }

  get entries(): readonly T[] {
    return this.#entries
  }

  /** Adds what `make` returns for the number of the new entry. */
  add(make: (id: number) => T): T {
    const entry = make(++this.#last)
    this.#entries.push(entry)
    // Twice the size at most, so that an entry costs no copy of all others.
    if (this.#entries.length >= 2 * this.#size) this.#entries = this.#entries.slice(-this.#size)
    return entry
  }

  /** Up to `limit` entries after number `after`, the oldest first, and whether earlier ones were dropped. */
  after(
    after: number,
    limit: number,
    isWanted: (entry: T) => boolean = () => true,
  ): { readonly entries: readonly T[]; readonly isCut: boolean } {
    const kept = this.#entries.slice(-this.#size)
    const first = this.#last - kept.length + 1
    const wanted = kept.slice(Math.max(0, after + 1 - first)).filter(isWanted)
    return { entries: wanted.slice(0, limit), isCut: after + 1 < first }
  }
}
