/**
 * A line of waiting tasks from which anyone may leave at any time.
 *
 * The links are in the waiters themselves, so that joining allocates nothing and leaving from the middle
 * takes constant time: a select leaves every line but one each time it settles, and a thousand selects may
 * stand in the same line.
 *
 * True between any two calls: the waiters of a line and its door form a ring, in the order in which they
 * joined; a waiter in no line has no neighbours; a waiter is in one line at most.
 */

/** A place in a line. Disposing leaves the line; in no line, that does nothing. */
export class Waiter implements Disposable {
  /** The neighbours in the ring, or undefined while in no line. Only this file touches them. */
  ahead: Waiter | undefined = undefined
  behind: Waiter | undefined = undefined;

  [Symbol.dispose](): void {
    const { ahead, behind } = this
    if (ahead === undefined || behind === undefined) return
    ahead.behind = behind
    behind.ahead = ahead
    this.ahead = undefined
    this.behind = undefined
  }
}

/** First come, first served. */
export class WaitQueue<W extends Waiter> {
  // Closes the ring: behind it stands the first, ahead of it the last. Alone, it is its own neighbour.
  readonly #door: Waiter = new Waiter()

  constructor() {
    this.#door.ahead = this.#door
    this.#door.behind = this.#door
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#door.behind === this.#door
  }

  /** Puts a waiter that is in no line at the end of this one. */
  join(waiter: W): void {
    const last = this.#door.ahead!
    waiter.ahead = last
    waiter.behind = this.#door
    last.behind = waiter
    this.#door.ahead = waiter
  }

  /** Takes the first waiter out of the line, or returns undefined when nobody waits. */
  shift(): W | undefined {
    const first = this.#door.behind!
    if (first === this.#door) return undefined
    first[Symbol.dispose]()
    return first as W // Only `join` puts waiters into the ring.
  }
}
