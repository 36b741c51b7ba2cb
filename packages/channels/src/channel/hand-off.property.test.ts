import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HandOff } from './hand-off.ts'
import type { ReceiveEnding, ReceiveWaiter, SendEnding, SendWaiter } from './hand-off.ts'
import { Waiter } from '../wait/wait-queue.ts'

// The hand-off compared with a model of Go's rules: two arrays of accepted or offered values, in order, and
// of waiting receivers.

class Receiver implements ReceiveEnding<number> {
  readonly waiter: ReceiveWaiter<number> = new Waiter(this, undefined)
  got: number | 'end' | undefined
  deliver(waiter: Waiter, value: number): void {
    expect([waiter, this.got]).toEqual([this.waiter, undefined])
    this.got = value
  }
  end(waiter: Waiter): void {
    expect([waiter, this.got]).toEqual([this.waiter, undefined])
    this.got = 'end'
  }
}

class Sender implements SendEnding {
  readonly waiter: SendWaiter<number>
  fate: 'accepted' | 'refused' | undefined
  constructor(value: number) {
    this.waiter = new Waiter(this, value)
  }
  accept(waiter: Waiter): void {
    expect([waiter, this.fate]).toEqual([this.waiter, undefined])
    this.fate = 'accepted'
  }
  refuse(waiter: Waiter): void {
    expect([waiter, this.fate]).toEqual([this.waiter, undefined])
    this.fate = 'refused'
  }
}

class Model {
  readonly capacity: number
  readonly handOff: HandOff<number>
  readonly buffer: number[] = []
  senders: Sender[] = []
  receivers: Receiver[] = []
  isClosed = false
  #next = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.handOff = new HandOff(capacity)
  }

  send(): void {
    const value = this.#next++
    if (this.isClosed) {
      expect(() => this.handOff.offer(value)).toThrow('closed')
      return
    }
    const receiver = this.receivers.shift()
    const isTaken = receiver !== undefined || this.buffer.length < this.capacity
    expect(this.handOff.hasRoom()).toBe(isTaken)
    expect(this.handOff.offer(value)).toBe(isTaken)
    if (receiver !== undefined) {
      expect(receiver.got).toBe(value)
    } else if (isTaken) {
      this.buffer.push(value)
    } else {
      const sender = new Sender(value)
      this.senders.push(sender)
      this.handOff.parkSender(sender.waiter)
    }
  }

  receive(): void {
    const hasValue = this.buffer.length > 0 || this.senders.length > 0
    expect(this.handOff.hasValue()).toBe(hasValue)
    if (hasValue) {
      const sender = this.senders.shift()
      if (sender !== undefined) this.buffer.push(sender.waiter.value)
      expect(this.handOff.take()).toBe(this.buffer.shift())
      if (sender !== undefined) expect(sender.fate).toBe('accepted')
    } else if (!this.isClosed) {
      const receiver = new Receiver()
      this.receivers.push(receiver)
      this.handOff.parkReceiver(receiver.waiter)
    }
  }

  leave(who: number): void {
    const waiting = [...this.senders, ...this.receivers]
    const leaver = waiting[who % Math.max(waiting.length, 1)]
    leaver?.waiter[Symbol.dispose]()
    this.senders = this.senders.filter((sender) => sender !== leaver)
    this.receivers = this.receivers.filter((receiver) => receiver !== leaver)
  }

  close(): void {
    if (this.isClosed) {
      expect(() => this.handOff.close()).toThrow('closed')
      return
    }
    this.handOff.close()
    this.isClosed = true
    for (const sender of this.senders.splice(0)) expect(sender.fate).toBe('refused')
    for (const receiver of this.receivers.splice(0)) expect(receiver.got).toBe('end')
  }

  check(): void {
    const { handOff, buffer, senders, receivers } = this
    expect(senders.length > 0 && receivers.length > 0).toBe(false)
    if (buffer.length > 0) expect(receivers).toEqual([])
    if (senders.length > 0) expect(handOff.length).toBe(handOff.capacity)
    if (this.isClosed) expect([senders, receivers]).toEqual([[], []])
    expect(handOff.length).toBe(buffer.length)
    expect(handOff.isDrained()).toBe(this.isClosed && buffer.length === 0)
    for (const sender of senders) expect(sender.fate).toBe(undefined)
    for (const receiver of receivers) expect(receiver.got).toBe(undefined)
  }
}

test('the four invariants hold and values leave in order, after any calls', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constant((model: Model) => model.send()) },
    { weight: 8, arbitrary: fc.constant((model: Model) => model.receive()) },
    { weight: 4, arbitrary: fc.nat().map((who) => (model: Model) => model.leave(who)) },
    { weight: 1, arbitrary: fc.constant((model: Model) => model.close()) },
  )
  fc.assert(
    fc.property(fc.nat({ max: 4 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
      const model = new Model(capacity)
      for (const run of steps) {
        run(model)
        model.check()
      }
    }),
    { numRuns: 500 },
  )
})
