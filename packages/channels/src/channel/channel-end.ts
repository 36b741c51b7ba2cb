import type { SendProgress } from './send-progress.ts'
import type { SelectCase } from './select-case.ts'

/**
 * The two ends of a channel, for code that only receives or only sends.
 *
 * A `Channel` is both. `receiveOnly` and `sendOnly` return one end, also at run time.
 */

/** The result of a receive: a value, or closed and drained. */
export type Received<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly value: undefined }

/** Returned by `tryReceive` when no value is available. */
export const EMPTY: unique symbol = Symbol('millrace.channel.empty')

/** Returned by `tryReceive` when the channel is closed and drained: no value will ever be available. */
export const CLOSED: unique symbol = Symbol('millrace.channel.closed')

/** The receiving end, Go's `<-chan T`. */
export interface ReceiveChannel<out T> extends AsyncIterable<T, undefined, undefined> {
  /** Number of buffered values. Waiting senders are not counted. */
  readonly length: number
  /** How many values fit into the buffer; 0 for an unbuffered channel. */
  readonly capacity: number

  /**
   * Receives the next value; waits while there is none.
   *
   * Once the channel is closed and drained, every receive settles at once with `ok: false`. An abort
   * rejects with the signal's reason and consumes nothing.
   *
   * @example
   * const { ok, value } = await jobs.receive() // => true, 'first'
   */
  receive(signal?: AbortSignal): Promise<Received<T>>

  /**
   * Receives an available value without waiting: a value, `EMPTY` or `CLOSED`.
   *
   * Allocates nothing. A channel whose values may be those two symbols needs `receive`.
   *
   * @example
   * const value = jobs.tryReceive()
   * if (value !== EMPTY && value !== CLOSED) run(value)
   */
  tryReceive(): T | typeof EMPTY | typeof CLOSED

  /**
   * Receives the available values, at most `max`, in order; waits only while there are none.
   *
   * The array is empty only once the channel is closed and drained. An abort rejects with the signal's reason
   * and consumes nothing. With `sendMany`, a value costs a fraction of a promise.
   *
   * @throws RangeError (by rejecting) unless `max` is an integer of at least 1.
   *
   * @example
   * const jobs = await queue.receiveMany(100) // => ['first', 'second']
   */
  receiveMany(max: number, signal?: AbortSignal): Promise<T[]>

  /**
   * Iterates over the values until the channel is closed and drained; `for await (const v of channel)` does
   * the same without a signal.
   *
   * Leaving the loop early leaves the channel open, with all unreceived values in it.
   */
  values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined>

  /**
   * A receive for `select`; it may be used any number of times.
   *
   * @example
   * const chosen = await select({ job: jobs.receiveCase() }) // => { case: 'job', ok: true, value: 'first' }
   */
  receiveCase(): SelectCase<Received<T>>
}

/**
 * The sending end, Go's `chan<- T`.
 *
 * Methods with a value parameter are declared as function properties, because the compiler compares
 * parameters of methods bivariantly, and would accept a channel of cats as one for any animal.
 */
export interface SendChannel<in T> {
  /** Number of buffered values. Waiting senders are not counted. */
  readonly length: number
  /** How many values fit into the buffer; 0 for an unbuffered channel. */
  readonly capacity: number

  /**
   * Sends a value; waits until the buffer or a receiver has accepted it.
   *
   * Values arrive in the order of the calls. An abort rejects with the signal's reason and the value is
   * never delivered.
   *
   * @throws ChannelClosedError (by rejecting) when the channel is closed, now or while waiting. The value
   * is discarded.
   *
   * @example
   * await jobs.send('first')
   */
  readonly send: (value: T, signal?: AbortSignal) => Promise<void>

  /**
   * Sends a value if the buffer or a waiting receiver accepts it now; never waits.
   *
   * Returns whether the value was accepted. Allocates nothing.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  readonly trySend: (value: T) => boolean

  /**
   * Sends values in order; waits until the buffer or receivers have accepted all of them.
   *
   * It is not atomic: receivers get the first values while the rest waits. But it keeps its place in the
   * queue, so no other sender's value arrives in between. When it rejects, the first `progress.sent` values
   * were accepted and the others never will be; called with the same `progress` again, it continues from
   * there. Do not change the array before it settles.
   *
   * An abort rejects with the signal's reason. An empty array settles at once.
   *
   * @throws ChannelClosedError (by rejecting) when the channel is closed, now or while waiting.
   *
   * @example
   * await queue.sendMany(['first', 'second'])
   */
  readonly sendMany: (values: readonly T[], signal?: AbortSignal, progress?: SendProgress) => Promise<void>

  /**
   * Closes the channel: nothing more can be sent, buffered values can still be received.
   *
   * Waiting receivers are notified at once; waiting senders are rejected and their values discarded.
   *
   * @throws ChannelClosedError when the channel is already closed.
   */
  close(): void

  /**
   * A send of `value` for `select`; it may be used any number of times.
   *
   * @example
   * const chosen = await select({ put: jobs.sendCase('first') }) // => { case: 'put' }
   */
  readonly sendCase: (value: T) => SelectCase
}
