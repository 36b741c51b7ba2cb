import { ChannelClosedError, EMPTY, WaitQueue } from '@millrace/channels'
import { bytesCodec } from '../codec/plain-codecs.ts'
import { privateMemory } from '../codec/ring-codec.ts'
import type { RingCodec, RingMemory } from '../codec/ring-codec.ts'
import { holdThread, mourn, releaseThread } from '../node-threads.ts'
import { ChannelBrokenError } from '../ring/broken-channel-error.ts'
import { Doorbell, ringBell } from '../ring/doorbell.ts'
import { STATE, WORD } from '../ring/layout.ts'
import type { SharedRing } from '../ring/shared-ring.ts'
import type { SharedReceiver, SharedSender } from './shared-waiters.ts'

/**
 * One thread's part of a channel between threads: the ring, and the wait queues of this thread's tasks.
 *
 * Nothing in this file waits; `shared-channel.ts` waits with promises, `shared-cases.ts` for select.
 *
 * Invariants between any two calls:
 *
 *  1. While a task of this thread is in a queue, that queue's doorbell is set: this thread soon checks any
 *     change by another thread.
 *  2. No task overtakes another of the same thread. There is no order between threads.
 *  3. A value is taken from the ring only for a task that is ready to receive it, so no value is lost when a
 *     task leaves its queue, and none is withheld from other threads.
 *
 * Unlike in a channel within one thread, a value that was available may be gone a moment later, because
 * another thread took it.
 */
export class SharedHandOff<T> {
  readonly ring: SharedRing
  readonly codec: RingCodec<T>
  readonly #receivers = new WaitQueue<SharedReceiver<T>>()
  readonly #senders = new WaitQueue<SharedSender>()
  readonly #valueBell: Doorbell
  readonly #roomBell: Doorbell
  #scratch: RingMemory | undefined
  // Set when this thread has stopped waiting for a lock that another thread held too long: nothing is ready
  // until its release.
  #isSendStuck = false
  #isReceiveStuck = false
  #isHeld = false

  constructor(ring: SharedRing, codec: RingCodec<T>) {
    this.ring = ring
    this.codec = codec
    this.#valueBell = new Doorbell(ring.words, WORD.valueBell, WORD.receiversAsleep, {
      isDue: () => this.hasValue() || this.ring.state !== STATE.open,
      wake: () => {
        this.#isReceiveStuck = false
        this.#serveReceivers()
      },
    })
    this.#roomBell = new Doorbell(ring.words, WORD.roomBell, WORD.sendersAsleep, {
      isDue: () => this.#hasRoomForFirst() || this.ring.state !== STATE.open,
      wake: () => {
        this.#isSendStuck = false
        this.#serveSenders()
      },
    })
    mourn(this)
  }

  /** Whether a value can probably be received now. */
  hasValue(): boolean {
    return !this.#isReceiveStuck && this.ring.length > 0 && this.ring.state !== STATE.brokenByReceiver
  }

  /** Whether a value can probably be sent now, if it is short. */
  hasRoom(): boolean {
    return !this.#isSendStuck && this.ring.hasRoom()
  }

  /** Whether a value of so many bytes can probably be sent now. */
  hasRoomFor(bytes: number): boolean {
    return !this.#isSendStuck && this.#senders.isEmpty && this.ring.hasRoomFor(bytes)
  }

  // The doorbell calls this repeatedly. It must return false for a value that does not fit, or the thread
  // would not sleep until it does.
  #hasRoomForFirst(): boolean {
    const sender = this.#senders.first
    if (sender === undefined) return this.hasRoom()
    return !this.#isSendStuck && this.ring.hasRoomFor(sender.value.length)
  }

  /** Whether a send would throw. */
  get isEnded(): boolean {
    return this.ring.state !== STATE.open
  }

  /** Whether nothing can ever be received again. */
  get isOver(): boolean {
    // Read the state first: after a close nothing is sent, so the length read next is final.
    const { state } = this.ring
    return state !== STATE.open && (state === STATE.brokenByReceiver || this.ring.length === 0)
  }

  /**
   * Whether the channel is closed and drained.
   *
   * @throws ChannelBrokenError when nothing can ever be received because a thread died.
   */
  isDrained(): boolean {
    if (!this.isOver) return false
    const { state } = this.ring
    if (state !== STATE.closed) throw this.#ended(state)
    return true
  }

  /**
   * Sends values in order, starting at `from`, as far as there is space. Returns how many.
   *
   * @throws ChannelClosedError, ChannelBrokenError, or the codec's error; values before it are sent.
   */
  offer(values: readonly T[], from: number): number {
    this.#serveSenders()
    if (!this.#beginSend()) return 0
    let at = from
    try {
      while (at < values.length && this.ring.write(this.codec, values[at]!)) at++
    } finally {
      this.#endSend()
    }
    return at - from
  }

  /** Like `offer`, for one value. */
  offerOne(value: T): boolean {
    this.#serveSenders()
    if (!this.#beginSend()) return false
    try {
      return this.ring.write(this.codec, value)
    } finally {
      this.#endSend()
    }
  }

  /** Like `offerOne`, for the result of `prepare`. */
  offerPrepared(bytes: Uint8Array): boolean {
    this.#serveSenders()
    if (!this.#beginSend()) return false
    try {
      return this.ring.write(bytesCodec, bytes)
    } finally {
      this.#endSend()
    }
  }

  /**
   * The bytes of a value, to be sent later.
   *
   * @throws RangeError when they do not fit into the empty ring, or the codec's error.
   */
  prepare(value: T): Uint8Array {
    const room = this.ring.recordBytesMax
    this.#scratch ??= privateMemory(room)
    const end = this.codec.encode(value, this.#scratch, 0, room)
    if (end === -1) {
      throw new RangeError(
        `a value takes more than the ${room} bytes that this channel can carry in one piece; ` +
          'send it in parts, or make the channel with more ringBytes',
      )
    }
    return new Uint8Array(this.#scratch.bytes.subarray(0, end))
  }

  /**
   * Takes the next value, or returns EMPTY when none is there.
   *
   * @throws ChannelBrokenError, or the codec's error; then the value is lost.
   */
  takeOne(): T | typeof EMPTY {
    this.#serveReceivers()
    if (!this.#beginReceive()) return EMPTY
    try {
      return this.ring.hasRecord() ? this.#read() : EMPTY
    } finally {
      this.#endReceive()
    }
  }

  /**
   * Appends available values to `values`, up to `countMax` in all.
   *
   * @throws like `takeOne`, but only while `values` is empty: otherwise the values would be lost. The next
   * call throws the same error.
   */
  take(values: T[], countMax: number): void {
    this.#serveReceivers()
    if (values.length > 0 && !this.hasValue()) return
    if (!this.#beginReceive()) return
    try {
      while (values.length < countMax && this.ring.hasRecord()) values.push(this.ring.read(this.codec))
    } catch (error) {
      if (values.length > 0) return
      this.ring.skip()
      throw error
    } finally {
      this.#endReceive()
    }
  }

  /** Adds a sender to the end of the queue. */
  parkSender(sender: SharedSender): void {
    this.#senders.join(sender)
    this.#update()
    this.#roomBell.set()
  }

  /** Adds a receiver to the end of the queue. */
  parkReceiver(receiver: SharedReceiver<T>): void {
    this.#receivers.join(receiver)
    this.#update()
    this.#valueBell.set()
  }

  /** @throws ChannelClosedError when it is closed, ChannelBrokenError when it is broken. */
  close(): void {
    const { ring } = this
    const { state } = ring
    if (state !== STATE.open)
      throw state === STATE.closed ? new ChannelClosedError('close') : this.#ended(state)
    // Under the lock, so that no earlier send is published after the close.
    if (!ring.sendLock.acquire()) {
      throw new Error('SharedChannel.close: another thread has been sending for too long; close again later')
    }
    const before = Atomics.compareExchange(ring.words, WORD.state, STATE.open, STATE.closed)
    ring.sendLock.release()
    if (before !== STATE.open) throw new ChannelClosedError('close')
    this.#announceEnd()
  }

  /** Handles the death of a thread. */
  bury(thread: number): void {
    if (this.ring.bury(thread)) this.#announceEnd()
  }

  /** Called after a task has left a queue. A long value that left may have blocked a short one behind it. */
  leave(): void {
    this.#update()
    // Deferred, because the task that left may have been served in a turn of this thread that is not over.
    if (!this.#senders.isEmpty && this.#hasRoomForFirst()) queueMicrotask(() => this.#serveSenders())
  }

  // Called after a task has joined or left a queue: the thread must stay alive while a task is queued.
  #update(): void {
    const isNeeded = !this.#receivers.isEmpty || !this.#senders.isEmpty
    if (isNeeded === this.#isHeld) return
    this.#isHeld = isNeeded
    if (isNeeded) holdThread()
    else releaseThread()
  }

  /** Begins a turn, or returns false if queued tasks or a stuck lock take precedence. */
  #beginSend(): boolean {
    const { ring } = this
    if (ring.state === STATE.open && !this.#senders.isEmpty) return false
    if (!this.#lockToSend()) return false
    ring.beginSend()
    const { state } = ring
    if (state === STATE.open) return true
    ring.sendLock.release()
    throw this.#ended(state)
  }

  #lockToSend(): boolean {
    if (this.ring.sendLock.acquire()) return true
    this.#isSendStuck = true
    this.#roomBell.setOnLock(this.ring.sendLock)
    return false
  }

  #endSend(): void {
    const { ring } = this
    const hasSent = ring.endSend()
    ring.sendLock.release()
    if (!hasSent) return
    this.#serveReceivers()
    ringBell(ring.words, WORD.valueBell, WORD.receiversAsleep)
  }

  /**
   * Begins a turn, or returns false if there is nothing to take, or if queued tasks or a stuck lock take
   * precedence.
   */
  #beginReceive(): boolean {
    const { ring } = this
    if (ring.state === STATE.brokenByReceiver) throw this.#ended(STATE.brokenByReceiver)
    if (!this.#receivers.isEmpty || ring.length === 0) return false
    return this.#lockToReceive()
  }

  #lockToReceive(): boolean {
    const { ring } = this
    if (ring.receiveLock.acquire()) {
      ring.beginReceive()
      return true
    }
    this.#isReceiveStuck = true
    this.#valueBell.setOnLock(ring.receiveLock)
    return false
  }

  #endReceive(): void {
    const { ring } = this
    const hasReceived = ring.endReceive()
    ring.receiveLock.release()
    if (!hasReceived) return
    this.#serveSenders()
    ringBell(ring.words, WORD.roomBell, WORD.sendersAsleep)
  }

  #read(): T {
    try {
      return this.ring.read(this.codec)
    } catch (error) {
      this.ring.skip()
      throw error
    }
  }

  #serveReceivers(): void {
    const { ring } = this
    if (this.#receivers.isEmpty) return
    if (this.hasValue() && this.#lockToReceive()) {
      while (!this.#receivers.isEmpty && ring.hasRecord()) this.#serveReceiver()
      this.#endReceive()
    }
    if (!this.#receivers.isEmpty) this.#endReceivers()
    if (!this.#receivers.isEmpty) this.#valueBell.set()
    this.#update()
  }

  #serveReceiver(): void {
    let value: T
    try {
      value = this.#read()
    } catch (error) {
      const receiver = this.#receivers.shift()!
      // The type says Error, as for promises; any value may be thrown.
      receiver.ending.fail(receiver, error as Error)
      return
    }
    const receiver = this.#receivers.shift()!
    receiver.ending.deliver(receiver, value)
  }

  // No value will come any more: ends the wait of every queued task.
  #endReceivers(): void {
    if (!this.isOver) return
    const { state } = this.ring
    for (let receiver = this.#receivers.shift(); receiver; receiver = this.#receivers.shift()) {
      if (state === STATE.closed) receiver.ending.end(receiver)
      else receiver.ending.fail(receiver, this.#ended(state))
    }
  }

  #serveSenders(): void {
    const { ring } = this
    if (this.#senders.isEmpty) return
    if (this.#hasRoomForFirst() && this.#lockToSend()) {
      ring.beginSend()
      while (ring.state === STATE.open) {
        const sender = this.#senders.first
        if (sender === undefined || !ring.write(bytesCodec, sender.value)) break
        this.#senders.shift()
        sender.ending.accept(sender)
      }
      this.#endSend()
    }
    if (ring.state !== STATE.open) this.#refuseSenders(ring.state)
    if (!this.#senders.isEmpty) this.#roomBell.set()
    this.#update()
  }

  #refuseSenders(state: number): void {
    for (let sender = this.#senders.shift(); sender; sender = this.#senders.shift()) {
      sender.ending.refuse(sender, this.#ended(state))
    }
  }

  /** After a close or break: ends the wait of every queued task, in this thread and the others. */
  #announceEnd(): void {
    const { words } = this.ring
    this.#serveReceivers()
    this.#serveSenders()
    ringBell(words, WORD.valueBell, WORD.receiversAsleep)
    ringBell(words, WORD.roomBell, WORD.sendersAsleep)
  }

  #ended(state: number): Error {
    if (state === STATE.closed) return new ChannelClosedError('send')
    const thread = Atomics.load(this.ring.words, WORD.brokenBy)
    return new ChannelBrokenError(thread, state === STATE.brokenBySender ? 'send' : 'receive')
  }
}
