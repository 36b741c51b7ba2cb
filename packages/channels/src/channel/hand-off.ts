import { ChannelClosedError } from './channel-closed-error.ts'
import type { SendProgress } from './send-progress.ts'
import { RingBuffer } from './ring-buffer.ts'
import { WaitQueue } from '../wait/wait-queue.ts'
import type { Waiter } from '../wait/wait-queue.ts'

/**
 * Channels: bounded, ordered hand-off between tasks in one process.
 *
 * This is the part in which nothing waits: the buffer and the two lines beside it. `channel.ts` waits for
 * one of them with a promise, `select.ts` for several.
 *
 * True between any two calls:
 *
 *  1. Senders wait or receivers wait, never both; except that one select may stand in both lines of an
 *     unbuffered channel, and does not meet itself.
 *  2. While something is buffered, no receiver waits.
 *  3. While a sender waits, the buffer is full.
 *  4. A closed channel has nobody waiting; what it buffered can still be received.
 *
 * Each method restores all four before it wakes anyone. Waking settles a promise, so the woken task's code
 * runs later and finds the channel whole.
 *
 * Not here: choosing among channels (`select.ts`), lifetimes (`scope.ts`), and fairness between senders
 * beyond first come, first served.
 */
export class HandOff<T> implements ReceiveEnd<T>, SendEnd<T> {
  readonly capacity: number
  readonly #buffer = new RingBuffer<T>()
  readonly #senders = new WaitQueue<SendWaiter<T>>()
  readonly #receivers = new WaitQueue<ReceiveWaiter<T>>()
  #isClosed = false

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get length(): number {
    return this.#buffer.length
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  hasValue(): boolean {
    return this.#buffer.length > 0 || !this.#senders.isEmpty
  }

  isDrained(): boolean {
    return this.#isClosed && this.#buffer.length === 0
  }

  take(): T {
    const sender = this.#senders.first
    if (sender === undefined) return this.#buffer.shift()
    let { value } = sender
    // The buffer is full, so the place that the head leaves free is the sender's, at the tail.
    if (this.capacity > 0) {
      const head = this.#buffer.shift()
      this.#buffer.push(value)
      value = head
    }
    this.#accept(sender, 1)
    return value
  }

  takeMany(max: number): T[] {
    const values = this.#buffer.shiftMany(max)
    // Only an empty buffer leaves anything to want; after that, senders fill the places that have become free.
    this.#takeFromSenders(values, max - values.length)
    this.#takeFromSenders(this.#buffer, this.capacity - this.#buffer.length)
    return values
  }

  #takeFromSenders(into: T[] | RingBuffer<T>, wanted: number): void {
    for (let left = wanted; left > 0;) {
      const sender = this.#senders.first
      if (sender === undefined) return
      const { batch } = sender.ending
      if (batch === undefined) {
        into.push(sender.value)
        left -= this.#accept(sender, 1)
      } else {
        const end = Math.min(batch.values.length, batch.progress.sent + left)
        if (into instanceof RingBuffer) into.pushMany(batch.values, batch.progress.sent, end)
        else for (let i = batch.progress.sent; i < end; i++) into.push(batch.values[i] as T)
        left -= this.#accept(sender, end - batch.progress.sent)
      }
    }
  }

  // A sender of several values keeps its place until the last of them is taken.
  #accept(sender: SendWaiter<T>, count: number): number {
    const { batch } = sender.ending
    if (batch !== undefined) {
      batch.progress.sent += count
      if (batch.progress.sent < batch.values.length) {
        sender.value = batch.values[batch.progress.sent] as T
        return count
      }
    }
    sender[Symbol.dispose]()
    sender.ending.accept(sender)
    return count
  }

  parkReceiver(waiter: ReceiveWaiter<T>): void {
    this.#receivers.join(waiter)
  }

  hasRoom(): boolean {
    return this.#buffer.length < this.capacity || !this.#receivers.isEmpty
  }

  offer(value: T): boolean {
    if (this.#isClosed) throw new ChannelClosedError('send')
    const receiver = this.#receivers.shift()
    if (receiver !== undefined) {
      receiver.ending.deliver(receiver, value)
      return true
    }
    if (this.#buffer.length === this.capacity) return false
    this.#buffer.push(value)
    return true
  }

  offerMany(values: readonly T[], from: number): number {
    if (this.#isClosed) throw new ChannelClosedError('send')
    let next = from
    while (next < values.length && !this.#receivers.isEmpty) {
      const receiver = this.#receivers.shift()!
      const { ending } = receiver
      if (ending.deliverMany === undefined) ending.deliver(receiver, values[next++]!)
      else next += ending.deliverMany(receiver, values, next)
    }
    const end = Math.min(values.length, next + this.capacity - this.#buffer.length)
    this.#buffer.pushMany(values, next, end)
    return Math.max(next, end)
  }

  parkSender(waiter: SendWaiter<T>): void {
    this.#senders.join(waiter)
  }

  close(): void {
    if (this.#isClosed) throw new ChannelClosedError('close')
    this.#isClosed = true
    // Receivers first: a select in both lines learns of the close, and has not failed.
    for (let receiver = this.#receivers.shift(); receiver; receiver = this.#receivers.shift()) {
      receiver.ending.end(receiver)
    }
    for (let sender = this.#senders.shift(); sender; sender = this.#senders.shift()) {
      sender.ending.refuse(sender, new ChannelClosedError('send'))
    }
  }
}

/** The receiving side. Nothing here waits. */
export interface ReceiveEnd<out T> {
  /** Whether a value can be taken now. */
  hasValue(): boolean
  /** Takes the next value. One must be there. */
  take(): T
  /** Takes the next values, as many as are there and no more than `max`. */
  takeMany(max: number): T[]
  /** Whether the channel is closed and nothing is left in it. */
  isDrained(): boolean
  /** Puts a waiter in line. Nothing may be there to take, and the channel must be open. */
  parkReceiver(waiter: ReceiveWaiter<T>): void
}

/** The sending side. Nothing here waits. */
export interface SendEnd<in T> {
  readonly isClosed: boolean
  /** Whether a value would be taken now. The channel must be open. */
  hasRoom(): boolean
  /**
   * Hands over a value, or returns false when there is no room.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  offer(value: T): boolean
  /**
   * Hands over `values[from]` and those after it while there is room, and returns the index of the first that is
   * left: `values.length` when none is.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  offerMany(values: readonly T[], from: number): number
  /** Puts a waiter in line. The channel must be open and have no room. */
  parkSender(waiter: SendWaiter<T>): void
}

/** Someone in line for a value. */
export type ReceiveWaiter<T> = Waiter<ReceiveEnding<T>>

/** Someone in line with a value. */
export type SendWaiter<T> = Waiter<SendEnding, T>

/** How the wait of a receiver ends: the channel takes it out of the line, then calls one of these, once. */
export interface ReceiveEnding<in T> {
  deliver(waiter: Waiter, value: T): void
  /** Instead of `deliver`, for a receiver of several: delivers `values[from]` and perhaps more, and returns how many. */
  deliverMany?(waiter: Waiter, values: readonly T[], from: number): number
  /** The channel is closed and drained. */
  end(waiter: Waiter): void
}

/** How the wait of a sender ends: the channel takes it out of the line, then calls one of these, once. */
export interface SendEnding {
  /** For a sender of several: what it sends. Its value is always the next of them. */
  readonly batch?: Batch
  accept(waiter: Waiter): void
  /** The channel was closed; the value is discarded. */
  refuse(waiter: Waiter, error: ChannelClosedError): void
}

/** Several values on their way, and how far they have come. */
export interface Batch {
  readonly values: readonly unknown[]
  readonly progress: SendProgress
}
