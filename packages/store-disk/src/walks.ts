/** An iteration over the members of a list. */
export interface Walk {
  /** The member to visit next; 0: none. */
  next: number
  /** Identifies the list. */
  readonly list: number
}

/** The iterations that have not ended, which stay right when members are removed. */
export class Walks {
  readonly #walks = new Set<Walk>()

  begin(list: number, first: number): Walk {
    const walk = { list, next: first }
    this.#walks.add(walk)
    return walk
  }

  finish(walk: Walk): void {
    this.#walks.delete(walk)
  }

  /** A member is about to be removed; `next` comes after it. */
  leave(member: number, next: number): void {
    if (this.#walks.size === 0) return
    for (const walk of this.#walks) if (walk.next === member) walk.next = next
  }

  /** Ends the iterations over a list. */
  end(list: number): void {
    for (const walk of this.#walks) if (walk.list === list) walk.next = 0
  }
}
