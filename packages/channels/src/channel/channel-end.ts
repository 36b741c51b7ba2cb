import type { SendProgress } from './send-progress.ts'
import type { SelectCase } from './select-case.ts'

/**
 * The two ends of a channel: what code that only receives, or only sends, is handed.
 *
 * A `Channel` is both. `receiveOnly` and `sendOnly` give an end that is nothing else, also at run time.
 */

/** The outcome of a receive: a value, or the news that the channel is closed and drained. */
export type Received<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly value: undefined }

/** What `tryReceive` returns when nothing can be received now. */
export const EMPTY: unique symbol = Symbol('millrace.channel.empty')

/** What `tryReceive` returns when the channel is closed and drained: nothing will ever be received. */
export const CLOSED: unique symbol = Symbol('millrace.channel.closed')

/** The receiving end. Go writes it `<-chan T`. */
export interface ReceiveChannel<out T> extends AsyncIterable<T, undefined, undefined> {
  /** How many values are buffered now. Senders that wait are not counted. */
  readonly length: number
  /** How many values fit into the buffer; 0 when sender and receiver must meet. */
  readonly capacity: number

  /**
   * Takes the next value; waits while there is none.
   *
   * Once the channel is closed and drained, every receive settles at once with `ok: false`. An abort
   * rejects with the signal's reason and consumes nothing.
   *
   * @example
   * const { ok, value } = await jobs.receive() // => true, 'first'
   */
  receive(signal?: AbortSignal): Promise<Received<T>>

  /**
   * Takes a value if one is there now, and never waits: a value, `EMPTY` or `CLOSED`.
   *
   * Allocates nothing. A channel whose values are those two symbols themselves needs `receive`.
   *
   * @example
   * const value = jobs.tryReceive()
   * if (value !== EMPTY && value !== CLOSED) run(value)
   */
  tryReceive(): T | typeof EMPTY | typeof CLOSED

  /**
   * Takes the values that are there now, at most `max` of them in order; waits only while there is none.
   *
   * The array is empty only once the channel is closed and drained. An abort rejects with the signal's reason
   * and consumes nothing. Together with `sendMany`, a value costs a fraction of a promise.
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
   * Leaving the loop early leaves the channel open and everything not yet received in it.
   */
  values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined>

  /**
   * A receive for `select`, which may perform it any number of times.
   *
   * @example
   * const chosen = await select({ job: jobs.receiveCase() }) // => { case: 'job', ok: true, value: 'first' }
   */
  receiveCase(): SelectCase<Received<T>>
}

/**
 * The sending end. Go writes it `chan<- T`.
 *
 * What takes a value is declared as a function rather than a method because the compiler compares the
 * parameters of methods in both directions, and would accept a channel of cats as one for any animal.
 */
export interface SendChannel<in T> {
  /** How many values are buffered now. Senders that wait are not counted. */
  readonly length: number
  /** How many values fit into the buffer; 0 when sender and receiver must meet. */
  readonly capacity: number

  /**
   * Sends a value; waits until the buffer or a receiver has taken it.
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
   * Sends a value if the buffer or a waiting receiver takes it now, and never waits.
   *
   * Returns whether the value was taken. Allocates nothing.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  readonly trySend: (value: T) => boolean

  /**
   * Sends values in order; waits until the buffer or receivers have taken all of them.
   *
   * It is not atomic: receivers take what is there while the rest waits. But it keeps its place in line, so no
   * other sender's value arrives between two of these. When it rejects, the first `progress.sent` values were
   * taken and the others never will be; given the same `progress` again, it goes on from there. The array must
   * not change before it settles.
   *
   * An abort rejects with the signal's reason. No values settle at once.
   *
   * @throws ChannelClosedError (by rejecting) when the channel is closed, now or while waiting.
   *
   * @example
   * await queue.sendMany(['first', 'second'])
   */
  readonly sendMany: (values: readonly T[], signal?: AbortSignal, progress?: SendProgress) => Promise<void>

  /**
   * Ends the channel: nothing more is sent, what is buffered can still be received.
   *
   * Receivers that wait learn of it at once; senders that wait are refused and their values discarded.
   *
   * @throws ChannelClosedError when the channel is closed already.
   */
  close(): void

  /**
   * A send of `value` for `select`, which may perform it any number of times.
   *
   * @example
   * const chosen = await select({ put: jobs.sendCase('first') }) // => { case: 'put' }
   */
  readonly sendCase: (value: T) => SelectCase
}
