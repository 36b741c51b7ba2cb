import { rejected } from '../wait/cancellation.ts'
import type { ReceiveEnd, ReceiveWaiter } from './hand-off.ts'
import { passing, waiting } from '../wait/overseer.ts'
import { Pending } from '../wait/pending.ts'

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined })
const ITERATED: Promise<IteratorResult<never, undefined>> = Promise.resolve(DONE)

/** One task's walk over a channel. It holds no value of its own, so leaving it early loses none. */
export class ChannelIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #end: ReceiveEnd<T>
  readonly #signal: AbortSignal | undefined
  #hasLeft = false

  constructor(end: ReceiveEnd<T>, signal: AbortSignal | undefined) {
    this.#end = end
    this.#signal = signal
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const signal = this.#signal
    if (this.#hasLeft) return ITERATED
    if (signal?.aborted) return rejected(signal.reason)
    if (this.#end.hasValue()) {
      return passing('receive', this.#end, Promise.resolve({ done: false, value: this.#end.take() }))
    }
    if (this.#end.isDrained()) return passing('receive', this.#end, ITERATED)
    return waitForNext(this.#end, signal)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#hasLeft = true
    return ITERATED
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

// Apart from `next`: what a closure captures is allocated on entry, whether it is created or not.
function waitForNext<T>(
  end: ReceiveEnd<T>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<T, undefined>> {
  return waiting('receive', end, (resolve, reject) => {
    end.parkReceiver(new PendingNext<T>(resolve, reject, signal))
  })
}

class PendingNext<T> extends Pending implements ReceiveWaiter<T> {
  readonly #resolve: (result: IteratorResult<T, undefined>) => void

  constructor(
    resolve: (result: IteratorResult<T, undefined>) => void,
    reject: (reason: Error) => void,
    signal: AbortSignal | undefined,
  ) {
    super(reject, signal)
    this.#resolve = resolve
  }

  deliver(value: T): void {
    this.#resolve({ done: false, value })
  }

  end(): void {
    this.#resolve(DONE)
  }
}
