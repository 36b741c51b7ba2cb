import type { Batch, ReceiveEnding, SendEnding } from './hand-off.ts'
import type { Waiter } from '../wait/wait-queue.ts'

/** The waiter of a sender of several values: it keeps its place in the queue until the last is received. */
export class SendingMany implements SendEnding {
  readonly batch: Batch

  constructor(batch: Batch) {
    this.batch = batch
  }

  accept(waiter: Waiter): void {
    waiter.resolve(undefined)
  }

  refuse(waiter: Waiter, error: Error): void {
    waiter.reject(error)
  }
}

/** The waiter of a receiver of several values; the maximum is the waiter's value. */
export const RECEIVE_MANY: ReceiveEnding<unknown> = {
  deliver: (waiter, value) => waiter.resolve([value]),
  deliverMany(waiter, values, from) {
    const some = values.slice(from, from + (waiter.value as number)) // Set by `receiveMany`.
    waiter.resolve(some)
    return some.length
  },
  end: (waiter) => waiter.resolve([]),
}
