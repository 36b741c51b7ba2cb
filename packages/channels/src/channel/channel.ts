import { created, misfit, passing, refused, rejected, shown } from '@millrace/world'
import { ChannelClosedError } from './channel-closed-error.ts'
import { ReceiveCase, SendCase } from './channel-case.ts'
import { CLOSED, EMPTY } from './channel-end.ts'
import type { ReceiveChannel, Received, SendChannel } from './channel-end.ts'
import { RECEIVE_MANY, SendingMany } from './batch.ts'
import type { SendProgress } from './send-progress.ts'
import { ChannelIterator } from './channel-iterator.ts'
import { HandOff } from './hand-off.ts'
import type { ReceiveEnding, SendEnding } from './hand-off.ts'
import { promiseOf } from '../wait/promise-of.ts'
import { Waiter } from '../wait/wait-queue.ts'
import type { SelectCase } from './select-case.ts'
import { ReceiveOnly, SendOnly } from './direction.ts'

/** A larger capacity is a mistake in the caller's arithmetic. */
const CAPACITY_MAX = 2 ** 30

// Shared promises for results that carry no information.
const SENT: Promise<void> = Promise.resolve()
const NO_MORE: Received<never> = Object.freeze({ ok: false, value: undefined })
const RECEIVED_NO_MORE: Promise<Received<never>> = Promise.resolve(NO_MORE)

/**
 * A typed, bounded queue between tasks.
 *
 * With capacity 0 a send waits until a receiver has the value. Otherwise up to `capacity` values are
 * buffered, and a send waits only while the buffer is full. Any number of tasks may send and receive; each
 * value reaches exactly one of them. Values of any type, including `undefined`, are passed by reference,
 * never copied.
 *
 * Ready operations settle in microtasks: a task that only uses ready channels blocks the event loop. Such a
 * task must call `Scheduler.turn` at intervals.
 *
 * @example
 * const numbers = new Channel<number>(2)
 * await numbers.send(1)
 * await numbers.send(2)
 * numbers.close()
 * const received: number[] = []
 * for await (const n of numbers) received.push(n)
 * received // => [1, 2]
 */
export class Channel<T> implements ReceiveChannel<T>, SendChannel<T> {
  readonly #handOff: HandOff<T>

  /**
   * `name` is shown by inspectors and simulators only.
   *
   * @throws RangeError unless `capacity` is an integer from 0 to 2^30.
   */
  constructor(capacity = 0, name?: string) {
    if (!(Number.isInteger(capacity) && capacity >= 0 && capacity <= CAPACITY_MAX)) {
      throw new RangeError(
        `Channel: capacity is ${shown(capacity)}; pass an integer from 0 to ${CAPACITY_MAX}`,
      )
    }
    this.#handOff = new HandOff(capacity)
    created('channel', this.#handOff, name)
  }

  get length(): number {
    return this.#handOff.length
  }

  get capacity(): number {
    return this.#handOff.capacity
  }

  send(value: T, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return refused(signal)
    if (this.#handOff.isClosed) return Promise.reject(new ChannelClosedError('send'))
    if (this.#handOff.offer(value)) return passing('send', this.#handOff, SENT)
    const waiter = new Waiter(SEND, value)
    this.#handOff.parkSender(waiter)
    return promiseOf(waiter, 'send', this.#handOff, signal)
  }

  trySend(value: T): boolean {
    return this.#handOff.offer(value)
  }

  receive(signal?: AbortSignal): Promise<Received<T>> {
    if (signal?.aborted) return refused(signal)
    if (this.#handOff.hasValue()) {
      return passing('receive', this.#handOff, Promise.resolve({ ok: true, value: this.#handOff.take() }))
    }
    if (this.#handOff.isClosed) return passing('receive', this.#handOff, RECEIVED_NO_MORE)
    const waiter = new Waiter(RECEIVE, undefined)
    this.#handOff.parkReceiver(waiter)
    return promiseOf(waiter, 'receive', this.#handOff, signal)
  }

  tryReceive(): T | typeof EMPTY | typeof CLOSED {
    if (this.#handOff.hasValue()) return this.#handOff.take()
    return this.#handOff.isClosed ? CLOSED : EMPTY
  }

  sendMany(values: readonly T[], signal?: AbortSignal, progress: SendProgress = { sent: 0 }): Promise<void> {
    if (signal?.aborted) return refused(signal)
    const misuse = misuseOfSendMany(values, progress)
    if (misuse !== undefined) return rejected(misuse)
    const handOff = this.#handOff
    if (progress.sent < values.length) {
      if (handOff.isClosed) return Promise.reject(new ChannelClosedError('send'))
      progress.sent = handOff.offerMany(values, progress.sent)
    }
    if (progress.sent >= values.length) return passing('sendMany', handOff, SENT)
    const waiter = new Waiter(new SendingMany({ values, progress }), values[progress.sent]!)
    handOff.parkSender(waiter)
    return promiseOf(waiter, 'sendMany', handOff, signal)
  }

  receiveMany(max: number, signal?: AbortSignal): Promise<T[]> {
    if (signal?.aborted) return refused(signal)
    if (!(Number.isInteger(max) && max >= 1)) {
      return rejected(new RangeError(`receiveMany: max is ${shown(max)}; pass an integer of at least 1`))
    }
    const handOff = this.#handOff
    if (handOff.hasValue() || handOff.isClosed) {
      const values = handOff.takeMany(max)
      // Reading a field tells the engine the type, so that the promise skips the check for `then`.
      void values.length
      return passing('receiveMany', handOff, Promise.resolve(values))
    }
    const waiter = new Waiter(RECEIVE_MANY, max)
    handOff.parkReceiver(waiter)
    return promiseOf(waiter, 'receiveMany', handOff, signal)
  }

  close(): void {
    this.#handOff.close()
  }

  values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined> {
    return new ChannelIterator(this.#handOff, signal)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    return this.values()
  }

  /** This channel for code that may only receive: it has no other methods. */
  receiveOnly(): ReceiveChannel<T> {
    return new ReceiveOnly(this)
  }

  /** This channel for code that may only send and close: it has no other methods. */
  sendOnly(): SendChannel<T> {
    return new SendOnly(this)
  }

  receiveCase(): SelectCase<Received<T>> {
    return new ReceiveCase(this.#handOff)
  }

  sendCase(value: T): SelectCase {
    return new SendCase(this.#handOff, value)
  }
}

// A value without a length would wait without a value to send.
function misuseOfSendMany(values: unknown, progress: SendProgress | null): TypeError | undefined {
  if (!Array.isArray(values)) return misfit('sendMany', 'values', values, 'an array')
  return Number.isSafeInteger(progress?.sent) && progress!.sent >= 0
    ? undefined
    : misfit('sendMany', 'the progress', progress, '{ sent: 0 }')
}

const SEND: SendEnding = {
  accept: (waiter) => waiter.resolve(undefined),
  refuse: (waiter, error) => waiter.reject(error),
}

const RECEIVE: ReceiveEnding<unknown> = {
  deliver: (waiter, value) => waiter.resolve({ ok: true, value }),
  end: (waiter) => waiter.resolve(NO_MORE),
}
