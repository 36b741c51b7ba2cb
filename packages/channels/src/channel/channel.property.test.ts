import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { CLOSED, EMPTY } from './channel-end.ts'
import { ManualClock, seededRandom } from '@millrace/world'
import { after } from './select-case.ts'
import { select, trySelect } from './select.ts'

// Random programs over three channels. Each value has its own number, and exactly one outcome: received once,
// still buffered, or refused to its sender.

// Selects are the most interesting.
const ACTIONS = [
  'send',
  'receive',
  'trySend',
  'tryReceive',
  'iterate',
  'sendMany',
  'receiveMany',
  'select',
  'select',
  'trySelect',
  'select send twice',
  'advance',
  'abort',
] as const

interface Step {
  readonly action: (typeof ACTIONS)[number] | 'close' | 'settle'
  readonly on: number
  readonly other: number
  readonly isCancellable: boolean
}

class World {
  readonly channels: readonly Channel<number>[]
  readonly clock = new ManualClock()
  readonly random = seededRandom(1)
  /** By channel, in the order in which the receives settled. */
  readonly received: number[][] = [[], [], []]
  readonly sent = new Set<number>()
  readonly refused = new Set<number>()
  readonly accepted = new Set<number>()
  controller = new AbortController()
  #next = 0

  constructor(capacities: readonly number[]) {
    this.channels = capacities.map((capacity) => new Channel<number>(capacity))
  }

  async run(step: Step): Promise<void> {
    const channel = this.channels[step.on]!
    const signal = step.isCancellable ? this.controller.signal : undefined
    switch (step.action) {
      case 'send': {
        const value = this.#fresh()
        this.#note(channel.send(value, signal), () => this.accepted.add(value), [value])
        break
      }
      case 'receive':
        this.#note(channel.receive(signal), ({ ok, value }) => ok && this.received[step.on]!.push(value), [])
        break
      case 'iterate':
        this.#note(channel.values(signal).next(), (r) => !r.done && this.received[step.on]!.push(r.value), [])
        break
      case 'sendMany':
        this.#sendMany(channel, step.other + 1, signal)
        break
      case 'receiveMany':
        this.#note(
          channel.receiveMany(step.other + 1, signal),
          (values) => this.received[step.on]!.push(...values),
          [],
        )
        break
      case 'trySend':
        this.#trySend(channel)
        break
      case 'tryReceive': {
        const value = channel.tryReceive()
        if (value !== EMPTY && value !== CLOSED) this.received[step.on]!.push(value)
        break
      }
      case 'select':
      case 'select send twice':
      case 'trySelect':
        this.#select(step, signal)
        break
      case 'advance':
        await this.clock.advance(1)
        break
      case 'abort':
        this.controller.abort(new Error('enough'))
        this.controller = new AbortController()
        break
      case 'close':
        try {
          channel.close()
        } catch {
          // Already closed, as happens in programs.
        }
        break
      case 'settle':
        await settle()
    }
  }

  #select({ on, other, action }: Step, signal: AbortSignal | undefined): void {
    const [a, b] = [this.#fresh(), this.#fresh()]
    const cases = {
      got: this.channels[on]!.receiveCase(),
      a: this.channels[other]!.sendCase(a),
      b: action === 'select send twice' ? this.channels[on]!.sendCase(b) : undefined,
      late: after(this.clock, 2),
    }
    const note = (chosen: Awaited<ReturnType<typeof select<typeof cases>>> | undefined): void => {
      if (chosen?.case === 'got' && chosen.ok) this.received[on]!.push(chosen.value)
      if (chosen?.case === 'a') this.accepted.add(a)
      else this.refused.add(a)
      if (chosen?.case === 'b') this.accepted.add(b)
      else this.refused.add(b)
    }
    const { random } = this
    if (action !== 'trySelect') {
      this.#note(select(cases, { random, signal }), note, [a, b])
      return
    }
    try {
      note(trySelect(cases, { random }))
    } catch {
      note(undefined)
    }
  }

  #sendMany(channel: Channel<number>, count: number, signal: AbortSignal | undefined): void {
    const values = upTo(count).map(() => this.#fresh())
    const progress = { sent: 0 }
    const note = (): void => {
      for (const value of values.slice(0, progress.sent)) this.accepted.add(value)
      for (const value of values.slice(progress.sent)) this.refused.add(value)
    }
    channel.sendMany(values, signal, progress).then(note, note)
  }

  #trySend(channel: Channel<number>): void {
    const value = this.#fresh()
    try {
      if (channel.trySend(value)) this.accepted.add(value)
      else this.refused.add(value)
    } catch {
      this.refused.add(value)
    }
  }

  #fresh(): number {
    const value = this.#next++
    this.sent.add(value)
    return value
  }

  #note<T>(promise: Promise<T>, onSettled: (value: T) => void, values: readonly number[]): void {
    promise.then(onSettled, () => {
      for (const value of values) this.refused.add(value)
    })
  }

  /** Ends all waits, and receives the buffered values. */
  async end(): Promise<void> {
    await settle()
    for (const [i, channel] of this.channels.entries()) {
      // Buffered values come before those of waiting senders, and all of them count as received.
      for (let value = channel.tryReceive(); typeof value === 'number'; value = channel.tryReceive()) {
        this.received[i]!.push(value)
      }
      await this.run({ action: 'close', on: i, other: i, isCancellable: false })
      await settle()
    }
    await this.clock.advance(10)
    await settle()
  }
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: 5, arbitrary: fc.constant('settle' as const) },
    { weight: 1, arbitrary: fc.constant('close' as const) },
  ),
  on: fc.nat({ max: 2 }),
  other: fc.nat({ max: 2 }),
  isCancellable: fc.boolean(),
})
const capacities = fc.array(fc.nat({ max: 3 }), { minLength: 3, maxLength: 3 })

test('no mix of operations, timeouts, cancels and closes loses or duplicates a value', async () => {
  await fc.assert(
    fc.asyncProperty(capacities, fc.array(step, { maxLength: 60 }), async (sizes, steps) => {
      const world = new World(sizes)
      for (const each of steps) await world.run(each)
      await world.end()
      const received = world.received.flat()
      expect(new Set(received).size).toBe(received.length)
      expect(new Set(received)).toEqual(world.accepted)
      for (const value of world.sent) {
        expect(world.accepted.has(value) !== world.refused.has(value)).toBe(true)
      }
      expect(world.clock.pending).toBe(0)
    }),
    { numRuns: 400 },
  )
})

test('each channel is first in, first out, under any other operations', async () => {
  await fc.assert(
    fc.asyncProperty(capacities, fc.array(step, { maxLength: 60 }), async (sizes, steps) => {
      const world = new World(sizes)
      // Values are numbered in the order of the sends; settling in between makes the log the order of
      // receives.
      for (const each of steps) {
        await world.run(each)
        await settle()
      }
      await world.end()
      for (const values of world.received) expect(values).toEqual(values.toSorted((a, b) => a - b))
    }),
    { numRuns: 200 },
  )
})
