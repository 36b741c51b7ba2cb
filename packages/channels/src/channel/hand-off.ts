import { ChannelClosedError } from './channel-closed-error.ts'
import type { SendProgress } from './send-progress.ts'
import { RingBuffer } from './ring-buffer.ts'
import { WaitQueue } from '../wait/wait-queue.ts'
import type { Waiter } from '../wait/wait-queue.ts'

/**
 * Channels: bounded, ordered queues between tasks in one process.
 *
 * Nothing in this file waits: it is the buffer and the two wait queues. `channel.ts` waits for one of them
 * with a promise, `select.ts` for several.
 *
 * Invariants between any two calls:
 *
 *  1. Senders wait or receivers wait, never both; except that one select may be in both queues of an
 *     unbuffered channel, and is not matched with itself.
 *  2. While something is buffered, no receiver waits.
 *  3. While a sender waits, the buffer is full.
 *  4. A closed channel has no waiters; its buffered values can still be received.
 *
 * Each method restores all four before it wakes a task. Waking settles a promise, so the woken task's code
 * runs later and finds the channel consistent.
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
    // The buffer is full, so the slot freed at the head is used for the sender's value, at the tail.
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
    // Only an empty buffer leaves more to receive; after that, senders fill the freed slots.
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

  // A sender of several values keeps its place until the last of them is accepted.
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
    // Receivers first: a select in both queues is notified of the close, and has not failed.
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
  /** Whether a value can be received now. */
  hasValue(): boolean
  /** Receives the next value. There must be one. */
  take(): T
  /** Receives the available values, at most `max`. */
  takeMany(max: number): T[]
  /** Whether the channel is closed and drained. */
  isDrained(): boolean
  /** Adds a waiter to the queue. No value may be available, and the channel must be open. */
  parkReceiver(waiter: ReceiveWaiter<T>): void
}

/** The sending side. Nothing here waits. */
export interface SendEnd<in T> {
  readonly isClosed: boolean
  /** Whether a value would be accepted now. The channel must be open. */
  hasRoom(): boolean
  /**
   * Passes on a value, or returns false when there is no space.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  offer(value: T): boolean
  /**
   * Passes on `values[from]` and later ones while there is space, and returns the index of the first
   * remaining one: `values.length` if none.
   *
   * @throws ChannelClosedError when the channel is closed.
   */
  offerMany(values: readonly T[], from: number): number
  /** Adds a waiter to the queue. The channel must be open and have no space. */
  parkSender(waiter: SendWaiter<T>): void
}

/** A waiting receiver. */
export type ReceiveWaiter<T> = Waiter<ReceiveEnding<T>>

/** A waiting sender with its value. */
export type SendWaiter<T> = Waiter<SendEnding, T>

/** The end of a receiver's wait: the channel removes it from the queue, then calls one of these, once. */
export interface ReceiveEnding<in T> {
  deliver(waiter: Waiter, value: T): void
  /**
   * Instead of `deliver`, for a receiver of several: delivers `values[from]` and perhaps more, and returns
   * how many.
   */
  deliverMany?(waiter: Waiter, values: readonly T[], from: number): number
  /** The channel is closed and drained. */
  end(waiter: Waiter): void
}

/** The end of a sender's wait: the channel removes it from the queue, then calls one of these, once. */
export interface SendEnding {
  /** For a sender of several: its values. The waiter's value is always the next of them. */
  readonly batch?: Batch
  accept(waiter: Waiter): void
  /** The channel was closed; the value is discarded. */
  refuse(waiter: Waiter, error: ChannelClosedError): void
}

/** Several values in transit, and how many were sent. */
export interface Batch {
  readonly values: readonly unknown[]
  readonly progress: SendProgress
}
