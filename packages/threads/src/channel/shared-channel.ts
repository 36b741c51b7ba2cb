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
/** What a value is taken to need, for channels whose `ringBytes` is not given. */
const VALUE_BYTES = 256
const RING_BYTES_DEFAULT_MIN = 2 ** 16

/** What a channel between threads is made of. */
export interface SharedChannelOptions<T> {
  /** How many values fit into the buffer, if their bytes do: an integer from 1 to 2^30. */
  readonly capacity: number
  /** Turns values into bytes and back. All threads use the same. */
  readonly codec: RingCodec<T>
  /**
   * How many bytes fit into the buffer, rounded up to a power of two, at most 2^30. A single value may take half of
   * them. Default: 256 for each value of the capacity, at least 64 KiB.
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
  /** Never there: it makes the handle of a channel of numbers differ from that of a channel of strings. */
  readonly values?: (value: T) => T
}

/**
 * Makes a channel that crosses threads: a buffer of bytes in shared memory, with a codec at each end.
 *
 * @throws RangeError when `capacity` or `ringBytes` is out of bounds; TypeError when `codec` is no codec.
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
 * Opens a channel that another thread made.
 *
 * @throws TypeError when `handle` is no handle, or the codec not the one that the channel was made with.
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
      `openChannel: the handle is ${shown(handle)}; pass what the handle() of a shared channel has returned`,
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
 * One thread's end of a channel between threads. `sharedChannel` makes one, `openChannel` opens it elsewhere.
 *
 * It is used as a `Channel` is: the same methods, the same backpressure, the same close and drain. What differs:
 *
 * - Values are copied, as bytes; a codec says how. A value of more than half the ring is refused with a RangeError.
 * - It always has a buffer. With capacity 0 every value would cost a wake-up of both threads.
 * - First come, first served holds among the tasks of one thread. Threads have no order among them.
 * - A thread that dies in the middle of an operation breaks the channel: `ChannelBrokenError`, in every thread.
 *   The thread that started the dead one has to have the channel open for that, as the thread of a pool has.
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

  /** What `openChannel` takes in another thread. */
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
    // There is room, but not for this value: perhaps there never will be.
    if (this.#handOff.hasRoom()) this.#handOff.prepare(value)
    return false
  }

  /**
   * Sends values in order; waits until the buffer has taken the last one. Much cheaper than one send for each.
   *
   * When it rejects, the first `progress.sent` values have been sent, and the others have not.
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
   * Takes up to `max` values, all that are there; waits while there is none. Empty: closed and drained.
   *
   * Much cheaper than one receive for each. An abort rejects with the signal's reason and consumes nothing.
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

  /** This channel for code that may only receive: the other methods are not there. */
  receiveOnly(): ReceiveChannel<T> {
    return new ReceiveOnly(this)
  }

  /** This channel for code that may only send and close: the other methods are not there. */
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

// Of what has no length, nothing would be sent, and nobody told.
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

/** While it waits, its waiter is one of `waiting`. */
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

/** One task's walk over a channel. It holds no value of its own, so leaving it early loses none. */
class SharedIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #handOff: SharedHandOff<T>
  readonly #signal: AbortSignal | undefined
  /** Those of its steps that wait. */
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
      // In no line, it has a value already, which its step is about to return.
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
