import { after, Channel, Scope, select, trySelect, CLOSED, EMPTY } from '../src/index.ts'
import type { Clock, Random, Scheduler } from '../src/index.ts'
import { upTo } from './probe.ts'

/** The dependencies of a mix. */
export interface MixWorld {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
  readonly settle: () => Promise<void>
}

/** A value in transit: its own number, its sender, and its index among the sender's values. */
interface Sent {
  readonly id: number
  readonly from: number
  readonly nth: number
}

/** The outcome of a value for its sender. */
type Fate = 'in transit' | 'accepted' | 'refused'

const [CHANNELS, TASKS] = [3, 6]

/**
 * A random program: tasks that send, receive, iterate, select, poll, wait, close and cancel on a few
 * channels; and the properties that must hold in any order.
 *
 * Each value has exactly one outcome: it was accepted from its sender and then received once or found in the
 * buffer; or it was refused and never received. Each receiver sees the values of one sender on one channel in
 * the order in which they were sent, and one receiver's values of a channel are in the order in which they
 * were accepted.
 */
export class ChannelMix {
  readonly #world: MixWorld
  readonly #channels: readonly Channel<Sent>[]
  readonly #fates: Fate[] = []
  /** How often each value was received. */
  readonly #received: number[] = []
  readonly #controllers = upTo(TASKS).map(() => new AbortController())
  /** How many values each task has made. */
  readonly #made = upTo(TASKS).map(() => 0)
  readonly #problems: string[] = []

  constructor(world: MixWorld) {
    this.#world = world
    this.#channels = upTo(CHANNELS).map((i) => new Channel<Sent>(world.random.int(3), `c${i}`))
  }

  /** Runs the program to its end and returns the violations, one line each. */
  async run(): Promise<readonly string[]> {
    const { random, settle } = this.#world
    const operations = 2 + random.int(8)
    {
      await using scope = new Scope()
      for (const me of upTo(TASKS)) scope.go(() => this.#live(me, operations), `task ${me}`)
      // Tasks that still wait when nothing happens any more are stopped, some by a close and some by a
      // cancel.
      for (const i of upTo(CHANNELS)) {
        await settle()
        if (random.int(2) === 0) this.#close(this.#channels[i]!)
      }
      await settle()
      for (const controller of this.#controllers) controller.abort(new Error('enough'))
      await scope.wait()
    }
    this.#drain()
    this.#judge()
    return this.#problems
  }

  async #live(me: number, operations: number): Promise<void> {
    const last = new Map<string, number>()
    for (const _ of upTo(operations)) {
      const on = this.#world.random.int(CHANNELS)
      await this.#operate(me, on, (value) => this.#take(value, on, last)).catch((error: unknown) => {
        // Expected errors: closed or cancelled. Any other error is a violation.
        if (!/closed channel|enough/.test(String(error))) this.#problems.push(String(error))
      })
    }
  }

  #operate(me: number, on: number, take: (value: Sent) => void): Promise<void> {
    const channel = this.#channels[on]!
    const { signal } = this.#controllers[me]!
    const { random, scheduler } = this.#world
    switch (random.int(12)) {
      case 0:
      case 1:
      case 2:
        return this.#send(me, channel, signal)
      case 3:
      case 4:
        return channel.receive(signal).then(({ ok, value }) => void (ok && take(value)))
      case 5:
        return this.#iterate(channel, signal, take)
      case 6:
      case 7:
      case 8:
        return this.#select(me, on, signal, take)
      case 9:
        return this.#poll(me, on, take)
      case 10:
        return this.#cancelled(me, channel, take)
      default:
        if (random.int(6) === 0) this.#close(channel)
        return scheduler.turn()
    }
  }

  async #send(me: number, channel: Channel<Sent>, signal: AbortSignal): Promise<void> {
    const value = this.#fresh(me)
    await this.#fated(value, channel.send(value, signal))
  }

  /** Records the outcome of a send. */
  async #fated(value: Sent, sent: Promise<unknown>): Promise<void> {
    try {
      await sent
      this.#fates[value.id] = 'accepted'
    } catch (error) {
      this.#fates[value.id] = 'refused'
      throw error
    }
  }

  async #iterate(channel: Channel<Sent>, signal: AbortSignal, take: (value: Sent) => void): Promise<void> {
    let left = 2
    for await (const value of channel.values(signal)) {
      take(value)
      if (--left === 0) break
    }
  }

  /** A receive, a send elsewhere and a timeout; sometimes a second send on the channel of the receive. */
  async #select(me: number, on: number, signal: AbortSignal, take: (value: Sent) => void): Promise<void> {
    const { random, clock } = this.#world
    const [a, b] = [this.#fresh(me), this.#fresh(me)]
    const other = this.#channels[random.int(CHANNELS)]!
    const cases = {
      got: this.#channels[on]!.receiveCase(),
      a: other.sendCase(a),
      b: random.int(2) === 0 ? this.#channels[on]!.sendCase(b) : undefined,
      late: random.int(2) === 0 ? after(clock, random.int(3)) : undefined,
    }
    this.#fates[a.id] = 'refused'
    this.#fates[b.id] = 'refused'
    const chosen = await select(cases, { signal })
    if (chosen.case === 'got' && chosen.ok) take(chosen.value)
    if (chosen.case === 'a') this.#fates[a.id] = 'accepted'
    if (chosen.case === 'b') this.#fates[b.id] = 'accepted'
  }

  async #poll(me: number, on: number, take: (value: Sent) => void): Promise<void> {
    const [channel, value] = [this.#channels[on]!, this.#fresh(me)]
    this.#fates[value.id] = 'refused'
    if (this.#world.random.int(2) === 0) {
      const got = channel.tryReceive()
      if (got !== EMPTY && got !== CLOSED) take(got)
    } else if (trySelect({ put: channel.sendCase(value) }) !== undefined) {
      this.#fates[value.id] = 'accepted'
    }
    await this.#world.scheduler.turn()
  }

  /** A send and a receive with their own signal, which may abort at any moment. */
  async #cancelled(me: number, channel: Channel<Sent>, take: (value: Sent) => void): Promise<void> {
    const { scheduler } = this.#world
    const controller = new AbortController()
    const value = this.#fresh(me)
    const both = Promise.allSettled([
      this.#fated(value, channel.send(value, controller.signal)),
      channel.receive(controller.signal).then((received) => void (received.ok && take(received.value))),
    ])
    await scheduler.turn()
    controller.abort(new Error('enough'))
    await both
  }

  #close(channel: Channel<Sent>): void {
    try {
      channel.close()
    } catch {
      // Already closed, as happens in programs.
    }
  }

  #fresh(from: number): Sent {
    const id = this.#fates.push('in transit') - 1
    this.#received.push(0)
    return { id, from, nth: this.#made[from]!++ }
  }

  #take(value: Sent, on: number, last: Map<string, number>): void {
    this.#received[value.id]! += 1
    const line = `channel ${on}, sender ${value.from}`
    const before = last.get(line)
    if (before !== undefined && before > value.nth) {
      this.#problems.push(`${line}: value ${value.nth} came after value ${before}`)
    }
    last.set(line, value.nth)
  }

  /** Receives the buffered values. */
  #drain(): void {
    for (const [on, channel] of this.#channels.entries()) {
      const last = new Map<string, number>()
      for (
        let value = channel.tryReceive();
        value !== EMPTY && value !== CLOSED;
        value = channel.tryReceive()
      ) {
        this.#take(value, on, last)
      }
      if (channel.length > 0) this.#problems.push(`channel ${on} still has length ${channel.length}`)
    }
  }

  #judge(): void {
    for (const [id, fate] of this.#fates.entries()) {
      const times = this.#received[id]!
      if (fate === 'accepted' && times !== 1)
        this.#problems.push(`value ${id} was sent and received ${times} times`)
      if (fate === 'refused' && times !== 0)
        this.#problems.push(`value ${id} was refused and received ${times} times`)
      if (fate === 'in transit') this.#problems.push(`the send of value ${id} never ended`)
    }
    // No queue has a waiter left: an offered value is not received, and a buffer has its full capacity.
    for (const [on, channel] of this.#channels.entries()) {
      try {
        for (const _ of upTo(channel.capacity))
          if (!channel.trySend(this.#fresh(0))) this.#problems.push(`channel ${on} has too little room`)
        if (channel.trySend(this.#fresh(0))) this.#problems.push(`a task still waits on channel ${on}`)
      } catch {
        // Closed: no task can wait there.
      }
    }
  }
}
