import { CLOSED, EMPTY, promiseOf, ReceiveOnly, SendOnly, Waiter } from '@millrace/channels'
import { rejected } from '@millrace/world'
import type { ReceiveChannel, Received, SelectCase, SendChannel, SendProgress } from '@millrace/channels'
import type { RingCodec } from '../codec/ring-codec.ts'
import { thisThread } from '../node-threads.ts'
import { shown } from '../shown.ts'
import { allocateRing, SharedRing } from '../ring/shared-ring.ts'
import { SharedReceiveCase, SharedSendCase } from './shared-cases.ts'
import { SharedHandOff } from './shared-hand-off.ts'
import type { SharedReceiveEnding, SharedSendEnding } from './shared-waiters.ts'

const SENT: Promise<void> = Promise.resolve()
const NO_MORE: Received<never> = Object.freeze({ ok: false, value: undefined })
const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined })

const CAPACITY_MAX = 2 ** 30
const RING_BYTES_MIN = 2 ** 10
const RING_BYTES_MAX = 2 ** 30
/** The assumed size of a value, for channels without `ringBytes`. */
const VALUE_BYTES = 256
const RING_BYTES_DEFAULT_MIN = 2 ** 16

/** Options of `sharedChannel`. */
export interface SharedChannelOptions<T> {
  /** How many values fit into the buffer if their bytes do: an integer from 1 to 2^30. */
  readonly capacity: number
  /** Encodes values to bytes and back. All threads must use the same codec. */
  readonly codec: RingCodec<T>
  /**
   * Size of the buffer in bytes, rounded up to a power of two, at most 2^30. A single value may use half of
   * it. Default: 256 for each value of the capacity, at least 64 KiB.
   */
  readonly ringBytes?: number
}

/**
 * What another thread needs to open a channel: the shared memory. It can be posted to a worker, passed as its
 * `workerData`, or be an argument of a pool's function.
 */
export interface ChannelHandle<T> {
  readonly buffer: SharedArrayBuffer
  /** The id of the codec with which it was made. */
  readonly codec: string
  /**
   * Phantom type: distinguishes handles of channels with different value types. Never present at run time.
   */
  readonly values?: (value: T) => T
}

/**
 * Creates a channel that crosses threads: a byte buffer in shared memory, with a codec at each end.
 *
 * @throws RangeError when `capacity` or `ringBytes` is out of bounds; TypeError when `codec` is not a codec.
 *
 * @example
 * const lines = sharedChannel({ capacity: 100, codec: textCodec })
 * const counting = workers.run('countWords', lines.handle())
 * await lines.send('one two three')
 * lines.close()
 * await counting // => 3
 */
export function sharedChannel<T>(options: SharedChannelOptions<T>): SharedChannel<T> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`sharedChannel: the options are ${shown(options)}; pass { capacity, codec }`)
  }
  const { capacity, codec, ringBytes = Math.max(RING_BYTES_DEFAULT_MIN, capacity * VALUE_BYTES) } = options
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX)) {
    throw new RangeError(
      `sharedChannel: capacity is ${shown(capacity)}; pass an integer from 1 to ${CAPACITY_MAX}`,
    )
  }
  if (!(typeof ringBytes === 'number' && ringBytes >= RING_BYTES_MIN && ringBytes <= RING_BYTES_MAX)) {
    throw new RangeError(
      `sharedChannel: ringBytes is ${shown(ringBytes)}; pass a number from ${RING_BYTES_MIN} to ${RING_BYTES_MAX}`,
    )
  }
  requireCodec('sharedChannel', codec)
  const buffer = allocateRing(capacity, 2 ** Math.ceil(Math.log2(ringBytes)))
  return new SharedChannel(new SharedHandOff(new SharedRing(buffer, thisThread), codec))
}

/**
 * Opens a channel that another thread created.
 *
 * @throws TypeError when `handle` is not a handle, or `codec` is not the codec of the channel.
 *
 * @example
 * export async function countWords(handle: ChannelHandle<string>): Promise<number> {
 *   let words = 0
 *   for await (const line of openChannel(handle, textCodec)) words += line.split(' ').length
 *   return words
 * }
 */
export function openChannel<T>(handle: ChannelHandle<T>, codec: RingCodec<T>): SharedChannel<T> {
  if (!((handle as Partial<ChannelHandle<T>> | undefined)?.buffer instanceof SharedArrayBuffer)) {
    throw new TypeError(
      `openChannel: the handle is ${shown(handle)}; pass the result of a shared channel's handle()`,
    )
  }
  requireCodec('openChannel', codec)
  if (handle.codec !== codec.id) {
    throw new TypeError(
      `openChannel: the channel was made with codec ${handle.codec}, not ${codec.id}; pass the same`,
    )
  }
  return new SharedChannel(new SharedHandOff(new SharedRing(handle.buffer, thisThread), codec))
}

function requireCodec(operation: string, codec: unknown): void {
  if (typeof codec === 'object' && codec !== null && 'encode' in codec && 'decode' in codec) return
  throw new TypeError(
    `${operation}: the codec is ${shown(codec)}; pass one, such as textCodec or jsonCodec()`,
  )
}

/**
 * One thread's end of a channel between threads. `sharedChannel` creates one; `openChannel` opens it in
 * another thread.
 *
 * It is used like a `Channel`: the same methods, backpressure, close and drain. The differences:
 *
 * - Values are copied as bytes, by a codec. A value of more than half the ring is rejected with a RangeError.
 * - It always has a buffer. With capacity 0 every value would have to wake both threads.
 * - Waiters of one thread are served first come, first served. There is no order between threads.
 * - A thread that dies during an operation breaks the channel: `ChannelBrokenError` in every thread. For
 *   that, the thread that started the dead one must have the channel open, as the thread of a pool has.
 * - A wait keeps a worker alive, but not the main thread.
 */
export class SharedChannel<T> implements ReceiveChannel<T>, SendChannel<T> {
  readonly #handOff: SharedHandOff<T>

  /** @internal */
  constructor(handOff: SharedHandOff<T>) {
    this.#handOff = handOff
  }

  get length(): number {
    return this.#handOff.ring.length
  }

  get capacity(): number {
    return this.#handOff.ring.capacity
  }

  /** The constructor that `openChannel` uses in another thread. */
  handle(): ChannelHandle<T> {
    return { buffer: this.#handOff.ring.buffer, codec: this.#handOff.codec.id }
  }

  send(value: T, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return rejected(signal.reason)
    try {
      if (this.#handOff.offerOne(value)) return SENT
      return waitToSend(this.#handOff, this.#handOff.prepare(value), signal)
    } catch (error) {
      return rejected(error)
    }
  }

  trySend(value: T): boolean {
    if (this.#handOff.offerOne(value)) return true
    // There is space, but not enough for this value, and perhaps there never will be.
    if (this.#handOff.hasRoom()) this.#handOff.prepare(value)
    return false
  }

  /**
   * Sends values in order; resolves when the buffer contains the last one. Much cheaper than a send for each.
   *
   * When it rejects, the first `progress.sent` values have been sent and the others have not.
   */
  async sendMany(
    values: readonly T[],
    signal?: AbortSignal,
    progress: SendProgress = { sent: 0 },
  ): Promise<void> {
    requireBatch(values, progress)
    while (progress.sent < values.length) {
      if (signal?.aborted) signal.throwIfAborted()
      progress.sent += this.#handOff.offer(values, progress.sent)
      if (progress.sent === values.length) return
      await waitToSend(this.#handOff, this.#handOff.prepare(values[progress.sent]!), signal)
      progress.sent += 1
    }
  }

  receive(signal?: AbortSignal): Promise<Received<T>> {
    return receiveFrom(this.#handOff, signal)
  }

  tryReceive(): T | typeof EMPTY | typeof CLOSED {
    const value = this.#handOff.takeOne()
    return value === EMPTY && this.#handOff.isDrained() ? CLOSED : value
  }

  /**
   * Receives up to `max` available values; waits while there is none. An empty result means closed and
   * drained.
   *
   * Much cheaper than a receive for each. An abort rejects with the signal's reason and consumes nothing.
   *
   * @throws RangeError (by rejecting) unless `max` is an integer of at least 1.
   */
  async receiveMany(max: number, signal?: AbortSignal): Promise<T[]> {
    if (!(Number.isInteger(max) && max >= 1))
      throw new RangeError(`receiveMany: max is ${shown(max)}; pass an integer of at least 1`)
    if (signal?.aborted) signal.throwIfAborted()
    const values: T[] = []
    this.#handOff.take(values, max)
    if (values.length > 0 || this.#handOff.isDrained()) return values
    const first = await waitToReceive(this.#handOff, signal)
    if (!first.ok) return values
    values.push(first.value)
    this.#handOff.take(values, max)
    return values
  }

  close(): void {
    this.#handOff.close()
  }

  values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined> {
    return new SharedIterator(this.#handOff, signal)
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
    return new SharedReceiveCase(this.#handOff)
  }

  sendCase(value: T): SelectCase {
    return new SharedSendCase(this.#handOff, this.#handOff.prepare(value))
  }
}

// A value without a length would silently send nothing.
function requireBatch(values: unknown, progress: Partial<SendProgress> | null): void {
  if (!Array.isArray(values)) throw new TypeError(`sendMany: values is ${shown(values)}; pass an array`)
  if (!Number.isInteger(progress?.sent))
    throw new TypeError(`sendMany: the progress is ${shown(progress)}; pass { sent: 0 }`)
}

const SEND: SharedSendEnding = {
  accept: (waiter) => waiter.resolve(undefined),
  refuse: (waiter, error) => waiter.reject(error),
}

const RECEIVE: SharedReceiveEnding<unknown> = {
  deliver: (waiter, value) => waiter.resolve({ ok: true, value }),
  end: (waiter) => waiter.resolve(NO_MORE),
  fail: (waiter, error) => waiter.reject(error),
}

async function waitToSend<T>(
  handOff: SharedHandOff<T>,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const waiter = new Waiter(SEND, bytes)
  handOff.parkSender(waiter)
  try {
    await promiseOf<void>(waiter, 'send', handOff, signal)
  } finally {
    handOff.leave()
  }
}

async function receiveFrom<T>(
  handOff: SharedHandOff<T>,
  signal: AbortSignal | undefined,
  waiting?: Set<Waiter>,
): Promise<Received<T>> {
  if (signal?.aborted) signal.throwIfAborted()
  const value = handOff.takeOne()
  if (value !== EMPTY) return { ok: true, value }
  return handOff.isDrained() ? NO_MORE : waitToReceive(handOff, signal, waiting)
}

/** The waiter of a blocked step is in `waiting`. */
async function waitToReceive<T>(
  handOff: SharedHandOff<T>,
  signal: AbortSignal | undefined,
  waiting?: Set<Waiter>,
): Promise<Received<T>> {
  const waiter = new Waiter(RECEIVE, undefined)
  handOff.parkReceiver(waiter)
  waiting?.add(waiter)
  try {
    return await promiseOf<Received<T>>(waiter, 'receive', handOff, signal)
  } finally {
    waiting?.delete(waiter)
    handOff.leave()
  }
}

/** One task's iteration over a channel. It buffers no value, so leaving it early loses none. */
class SharedIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #handOff: SharedHandOff<T>
  readonly #signal: AbortSignal | undefined
  /** The steps that wait. */
  readonly #waiting = new Set<Waiter>()
  #hasLeft = false

  constructor(handOff: SharedHandOff<T>, signal: AbortSignal | undefined) {
    this.#handOff = handOff
    this.#signal = signal
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#hasLeft) return DONE
    const { ok, value } = await receiveFrom(this.#handOff, this.#signal, this.#waiting)
    return ok ? { done: false, value } : DONE
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#hasLeft = true
    for (const waiter of this.#waiting) {
      // A step in no queue already has a value, which it is about to return.
      if (waiter.line === undefined) continue
      waiter[Symbol.dispose]()
      waiter.resolve(NO_MORE)
    }
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
