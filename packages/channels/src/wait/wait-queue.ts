/**
 * A queue of waiting tasks that any task may leave at any time.
 *
 * The links are in the waiters themselves, so joining allocates nothing and leaving from the middle takes constant
 * time: a select leaves all queues but one each time it settles, and a thousand selects may be in the same queue.
 *
 * Invariants between any two calls: the waiters of a queue form a ring, in the order in which they joined, and the
 * first follows the last; a waiter in no queue is its own neighbour; a waiter is in at most one queue.
 */

/**
 * A place in a queue, with everything that one wait needs. Disposing leaves the queue, if it is in one.
 *
 * Waits differ by their `ending`, not by class: all queues contain objects of one shape, which makes a hand-off almost
 * three times as fast as with a class for each kind of wait.
 */
export class Waiter<out Ending = unknown, out Value = unknown> implements Disposable {
  /** What serving this waiter does. The caller first removes it from the queue, once. */
  readonly ending: Ending
  /** The value of a send, which changes when it sends several. */
  value: Value
  /** Its queue, and its neighbours in the ring; alone, its own neighbour. Only this file uses them. */
  line: WaitQueue | undefined = undefined
  ahead: Waiter = this
  behind: Waiter = this
  /** Settles the promise of this wait, if it has its own: see `promiseOf`. */
  resolve: (outcome: unknown) => void = noWaiter
  reject: (reason: Error) => void = noWaiter
  /** What ends the wait early. Leaving the queue releases it. */
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

  /** Whether the queue is empty. */
  get isEmpty(): boolean {
    return this.#last === undefined
  }

  /** The waiter that has waited longest, or undefined when the queue is empty. */
  get first(): W | undefined {
    return this.#last?.behind as W | undefined // Only `join` puts waiters into the ring.
  }

  /** Appends a waiter that is in no queue. */
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

  /** Removes and returns the first waiter, or returns undefined when the queue is empty. */
  shift(): W | undefined {
    const first = this.first
    first?.[Symbol.dispose]()
    return first
  }

  /** Removes a waiter of this queue. Only waiters call it. */
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
