import { ChannelClosedError } from './channel-closed-error.ts'
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
    const sender = this.#senders.shift()
    if (sender === undefined) return this.#buffer.shift()
    // The buffer is full, so the place that the head leaves free is the sender's, at the tail.
    let value = sender.value
    if (this.capacity > 0) {
      this.#buffer.push(value)
      value = this.#buffer.shift()
    }
    sender.ending.accept(sender)
    return value
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

  parkSender(waiter: SendWaiter<T>): void {
    this.#senders.join(waiter)
  }

  close(): void {
    if (this.#isClosed) throw new ChannelClosedError('close')
    this.#isClosed = true
    for (let sender = this.#senders.shift(); sender; sender = this.#senders.shift()) {
      sender.ending.refuse(sender, new ChannelClosedError('send'))
    }
    for (let receiver = this.#receivers.shift(); receiver; receiver = this.#receivers.shift()) {
      receiver.ending.end(receiver)
    }
  }
}

/** The receiving side. Nothing here waits. */
export interface ReceiveEnd<out T> {
  /** Whether a value can be taken now. */
  hasValue(): boolean
  /** Takes the next value. One must be there. */
  take(): T
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
  /** The channel is closed and drained. */
  end(waiter: Waiter): void
}

/** How the wait of a sender ends: the channel takes it out of the line, then calls one of these, once. */
export interface SendEnding {
  accept(waiter: Waiter): void
  /** The channel was closed; the value is discarded. */
  refuse(waiter: Waiter, error: ChannelClosedError): void
}
