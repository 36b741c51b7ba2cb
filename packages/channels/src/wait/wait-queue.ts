/**
 * A line of waiting tasks from which anyone may leave at any time.
 *
 * The links are in the waiters themselves, so that joining allocates nothing and leaving from the middle
 * takes constant time: a select leaves every line but one each time it settles, and a thousand selects may
 * be in the same line.
 *
 * True between any two calls: the waiters of a line form a ring, in the order in which they joined, and the first
 * follows the last; a waiter in no line is its own neighbour; a waiter is in one line at most.
 */

/**
 * A place in a line, and everything that one wait needs. Disposing leaves the line; in no line, that does nothing.
 *
 * What distinguishes one wait from another is its `ending`, not its class: every line of a program walks over objects
 * of one shape, which makes a hand-off almost three times as fast as a class for each kind of wait.
 */
export class Waiter<out Ending = unknown, out Value = unknown> implements Disposable {
  /** What serving this waiter does. The caller takes it out of the line first, once. */
  readonly ending: Ending
  /** What it came with: the value of a send, which changes when it sends several. */
  value: Value
  /** Its line, and its neighbours in the ring; alone, its own neighbour. Only this file touches them. */
  line: WaitQueue | undefined = undefined
  ahead: Waiter = this
  behind: Waiter = this
  /** What settles the promise of this wait, where it has one of its own: see `promiseOf`. */
  resolve: (outcome: unknown) => void = noWaiter
  reject: (reason: Error) => void = noWaiter
  /** What ends the wait early. Leaving the line lets go of it. */
  hook: Disposable | undefined = undefined

  constructor(ending: Ending, value: Value) {
    this.ending = ending
    this.value = value
  }

  [Symbol.dispose](): void {
    const { line, hook } = this
    if (line !== undefined) line.drop(this)
    if (hook === undefined) return
    this.hook = undefined
    hook[Symbol.dispose]()
  }
}

/** First come, first served. */
export class WaitQueue<W extends Waiter = Waiter> {
  #last: Waiter | undefined = undefined

  /** Whether the line is empty. */
  get isEmpty(): boolean {
    return this.#last === undefined
  }

  /** Who has waited longest, or undefined when the line is empty. */
  get first(): W | undefined {
    return this.#last?.behind as W | undefined // Only `join` puts waiters into the ring.
  }

  /** Puts a waiter that is in no line at the end of this one. */
  join(waiter: W): void {
    const last = this.#last
    waiter.line = this
    if (last !== undefined) {
      waiter.ahead = last
      waiter.behind = last.behind
      last.behind.ahead = waiter
      last.behind = waiter
    }
    this.#last = waiter
  }

  /** Takes the first waiter out of the line, or returns undefined when the line is empty. */
  shift(): W | undefined {
    const first = this.first
    first?.[Symbol.dispose]()
    return first
  }

  /** Takes out a waiter of this line. Only waiters call it. */
  drop(waiter: Waiter): void {
    const { ahead, behind } = waiter
    if (ahead === waiter) {
      this.#last = undefined
    } else {
      ahead.behind = behind
      behind.ahead = ahead
      if (this.#last === waiter) this.#last = ahead
      waiter.ahead = waiter
      waiter.behind = waiter
    }
    waiter.line = undefined
  }
}

function noWaiter(): void {
  // A waiter without a promise of its own: its ending knows whom to tell.
}
