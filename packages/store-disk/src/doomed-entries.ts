import type { KeyToken } from '@millrace/core/store'

/** The entries of an outer token that was dropped, as far as they are still in the index. */
export interface Doomed {
  readonly outer: KeyToken
  /** The drop includes cells up to this `seq`; later ones are new cells. */
  readonly seq: number
  /** The table's epoch, level and round at the drop. */
  readonly epoch: number
  readonly level: number
  readonly round: number
  /** The next entry to remove; 0: none is left. */
  next: number
}

/**
 * The dropped outer tokens of a table whose entries are not all removed. To remove a million at once would hold the event
 * loop, so they are removed a few at a time.
 */
export class DoomedEntries {
  readonly #doomed: Doomed[] = []
  /** By outer token: the highest `seq` of its drops. */
  readonly #upTo = new Map<KeyToken, number>()
  readonly #remove: (doomed: Doomed) => void

  /** `remove` removes the next entry. */
  constructor(remove: (doomed: Doomed) => void) {
    this.#remove = remove
  }

  get isEmpty(): boolean {
    return this.#doomed.length === 0
  }

  /** Whether a cell that is still in the index was dropped. */
  covers(outer: KeyToken, seq: number): boolean {
    if (this.#upTo.size === 0) return false
    const upTo = this.#upTo.get(outer)
    return upTo !== undefined && seq <= upTo
  }

  add(doomed: Doomed): void {
    this.#doomed.push(doomed)
    this.#upTo.set(doomed.outer, doomed.seq)
  }

  /** Removes an entry; false if there was none. */
  step(): boolean {
    const doomed = this.#doomed[0]
    if (doomed === undefined) return false
    if (doomed.next !== 0) {
      this.#remove(doomed)
      return true
    }
    this.#doomed.shift()
    if (this.#upTo.get(doomed.outer) === doomed.seq) this.#upTo.delete(doomed.outer)
    return true
  }
}
