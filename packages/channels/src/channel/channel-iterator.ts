import { passing, refused } from '@millrace/world'
import type { ReceiveEnd, ReceiveEnding } from './hand-off.ts'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter } from '../wait/wait-queue.ts'

// Value before done, like the language's own iterators: engines know that shape, and skip the check for
// `then`.
const DONE: IteratorResult<never, undefined> = Object.freeze({ value: undefined, done: true })
const ITERATED: Promise<IteratorResult<never, undefined>> = Promise.resolve(DONE)

/**
 * One task's iteration over a channel. It buffers no value, so leaving it early loses none: a host's stream,
 * which requests the next value ahead, leaves the queue when it is destroyed.
 */
export class ChannelIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #end: ReceiveEnd<T>
  readonly #signal: AbortSignal | undefined
  #hasLeft = false
  /** The waiter of the latest step that had to wait, finished or not. */
  #last: Waiter | undefined
  /** The waiters of earlier steps that may not be finished: almost always none. */
  #earlier: readonly Waiter[] = []

  constructor(end: ReceiveEnd<T>, signal: AbortSignal | undefined) {
    this.#end = end
    this.#signal = signal
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const signal = this.#signal
    if (this.#hasLeft) return ITERATED
    if (signal?.aborted) return refused(signal)
    if (this.#end.hasValue()) {
      return passing('receive', this.#end, Promise.resolve({ value: this.#end.take(), done: false }))
    }
    if (this.#end.isDrained()) return passing('receive', this.#end, ITERATED)
    const waiter = new Waiter(NEXT, undefined)
    this.#end.parkReceiver(waiter)
    if (this.#last?.line !== undefined) this.#keepEarlier(this.#last)
    this.#last = waiter
    return promiseOf(waiter, 'receive', this.#end, signal)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#hasLeft = true
    for (const waiter of [...this.#earlier, this.#last]) {
      if (waiter?.line === undefined) continue
      waiter[Symbol.dispose]()
      waiter.resolve(DONE)
    }
    return ITERATED
  }

  #keepEarlier(waiter: Waiter): void {
    this.#earlier = [...this.#earlier.filter(({ line }) => line !== undefined), waiter]
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

const NEXT: ReceiveEnding<unknown> = {
  deliver: (waiter, value) => waiter.resolve({ value, done: false }),
  end: (waiter) => waiter.resolve(DONE),
}
