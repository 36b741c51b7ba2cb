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

/**
 * A place in a line, and everything that one wait needs. Disposing leaves the line; in no line, that does nothing.
 *
 * What distinguishes one wait from another is its `ending`, not its class: every line of a program walks over objects
 * of one shape, which makes a hand-off almost three times as fast as a class for each kind of wait.
 */
export class Waiter<out Ending = unknown, out Value = unknown> implements Disposable {
  /** What serving this waiter does. Whoever serves it takes it out of the line first, and does so once. */
  readonly ending: Ending
  /** What it came with: the value of a send. */
  readonly value: Value
  /** The neighbours in the ring, or undefined while in no line. Only this file touches them. */
  ahead: Waiter | undefined = undefined
  behind: Waiter | undefined = undefined
  /** What settles the promise of this wait, where it has one of its own: see `promiseOf`. */
  resolve: (outcome: unknown) => void = nobody
  reject: (reason: Error) => void = nobody
  /** What ends the wait early. Leaving the line lets go of it. */
  hook: Disposable | undefined = undefined

  constructor(ending: Ending, value: Value) {
    this.ending = ending
    this.value = value
  }

  [Symbol.dispose](): void {
    const { ahead, behind, hook } = this
    if (ahead !== undefined && behind !== undefined) {
      ahead.behind = behind
      behind.ahead = ahead
      this.ahead = undefined
      this.behind = undefined
    }
    if (hook === undefined) return
    this.hook = undefined
    hook[Symbol.dispose]()
  }
}

/** First come, first served. */
export class WaitQueue<W extends Waiter> {
  // Closes the ring: behind it stands the first, ahead of it the last. Alone, it is its own neighbour.
  readonly #door: Waiter = new Waiter(undefined, undefined)

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

function nobody(): void {
  // A waiter without a promise of its own: its ending knows whom to tell.
}
