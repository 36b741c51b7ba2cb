import { describe, expect, test } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { EMPTY } from '../channel/channel-end.ts'
import { fromIterable } from '../convert/iterable.ts'
import { Scope } from '../task/scope.ts'
import { ManualClock, sleep } from '@millrace/world'
import { buffer } from './buffer.ts'
import { bridge, merge, orDone } from './fan-in.ts'
import { broadcast, fanOut, partition } from './fan-out.ts'
import { batch, debounce, throttle } from './pace.ts'
import { parallelMap, stage, workerPool } from './stage.ts'

async function collect<T>(channel: ReceiveChannel<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of channel) values.push(value)
  return values
}

/** The values of a channel with their times, while the clock advances. */
async function timed<T>(clock: ManualClock, channel: ReceiveChannel<T>): Promise<[atMs: number, value: T][]> {
  const values: [number, T][] = []
  let isOpen = true
  const walk = (async () => {
    for await (const value of channel) values.push([clock.now(), value])
    isOpen = false
  })()
  while (isOpen) await clock.advance(1)
  await walk
  return values
}

/** An input that sends each value at its time. */
function at<T>(
  scope: Scope,
  clock: ManualClock,
  ...values: readonly (readonly [atMs: number, value: T])[]
): ReceiveChannel<T> {
  return stage(scope, new Channel<never>(), async function* (_, signal) {
    for (const [atMs, value] of values) {
      await sleep(clock, atMs - clock.now(), signal)
      yield value
    }
  })
}

describe('fan-out', () => {
  everySchedule('fan-out in turn: a slow output blocks the others', async () => {
    await using scope = new Scope()
    const [slow, fast] = fanOut(scope, fromIterable(scope, upTo(4)), 2)
    const received = fast!.receive()
    expect(await hasSettled(received)).toBe(false)
    expect(await slow!.receive()).toEqual({ ok: true, value: 0 })
    expect(await received).toEqual({ ok: true, value: 1 })
  })

  everySchedule('fan-out to the first free output: a slow output blocks no other', async () => {
    await using scope = new Scope()
    const [, fast] = fanOut(scope, fromIterable(scope, upTo(4)), 2, { order: 'firstFree' })
    expect(await collect(fast!)).toEqual([0, 1, 2, 3])
  })

  everySchedule(
    'broadcast: outputs receive a value independently, and the next one only when all have it',
    async () => {
      await using scope = new Scope()
      const [slow, fast] = broadcast(scope, fromIterable(scope, ['a', 'b']), 2)
      expect(await fast!.receive()).toMatchObject({ value: 'a' })
      const next = fast!.receive()
      expect(await hasSettled(next)).toBe(false)
      expect(await slow!.receive()).toMatchObject({ value: 'a' })
      expect(await next).toMatchObject({ value: 'b' })
    },
  )

  everySchedule('a buffer after an output of a broadcast frees the other outputs', async () => {
    await using scope = new Scope()
    const count = sized(100, 10)
    const [slow, fast] = broadcast(scope, fromIterable(scope, upTo(count)), 2)
    const latest = buffer(scope, slow!, { capacity: 1, whenFull: 'dropOldest' })
    expect(await collect(fast!)).toEqual(upTo(count))
    await settle()
    expect(await collect(latest)).toEqual([count - 1])
    expect(latest.dropped).toBe(count - 1)
  })

  everySchedule('a partition distinguishes keys by type and value, and is deterministic', async () => {
    await using scope = new Scope()
    const keys = [1, '1', 1n, true, 'true', 'card', 1, '1', 1n, true, 'true', 'card']
    const outputs = partition(scope, fromIterable(scope, keys), 64, (key) => key)
    const received = await Promise.all(outputs.map(collect))
    const filled = received.filter(({ length }) => length > 0)
    expect(filled.map((values) => new Set(values).size * 2)).toEqual(filled.map(({ length }) => length))
    expect(filled).toHaveLength(6)
  })

  test('a partition distributes neighbouring keys evenly', async () => {
    await using scope = new Scope()
    const outputs = partition(scope, fromIterable(scope, upTo(8_000)), 8, (n) => n)
    const sizes = await Promise.all(outputs.map(async (output) => (await collect(output)).length))
    for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150)
  })

  test.each([0, -1, 1.5, Number.NaN, Infinity])('%d outputs, workers or places are rejected', (count) => {
    const scope = new Scope()
    const input = new Channel<number>()
    const nothing = (): undefined => undefined
    expect(() => fanOut(scope, input, count)).toThrow(RangeError)
    expect(() => broadcast(scope, input, count)).toThrow(RangeError)
    expect(() => partition(scope, input, count, () => 0)).toThrow(RangeError)
    expect(() => workerPool(scope, input, count, nothing)).toThrow(RangeError)
    expect(() => parallelMap(scope, input, count, nothing)).toThrow(RangeError)
    expect(() => batch(scope, input, { size: count, withinMs: 1, clock: new ManualClock() })).toThrow(
      RangeError,
    )
  })
})

describe('fan-in', () => {
  everySchedule('a merge of no channels is closed at once', async () => {
    await using scope = new Scope()
    expect(await collect(merge(scope, []))).toEqual([])
  })

  everySchedule('a quiet input of a merge blocks no other', async () => {
    await using scope = new Scope()
    const merged = merge(scope, [new Channel<number>(), fromIterable(scope, [1, 2])])
    expect((await merged.receive()).value).toBe(1)
    expect((await merged.receive()).value).toBe(2)
    expect(await hasSettled(merged.receive())).toBe(false)
  })

  everySchedule('a bridge receives the next channel only when the previous one is drained', async () => {
    await using scope = new Scope()
    const [outer, first] = [new Channel<ReceiveChannel<string>>(2), new Channel<string>(1)]
    const lines = bridge(scope, outer)
    await outer.send(first)
    await outer.send(fromIterable(scope, ['c']))
    await first.send('a')
    expect((await lines.receive()).value).toBe('a')
    await settle()
    expect(outer.length).toBe(1)
    await first.send('b')
    first.close()
    outer.close()
    expect(await collect(lines)).toEqual(['b', 'c'])
  })

  everySchedule('orDone ends when `done` aborts, though its input is open and quiet', async () => {
    await using scope = new Scope()
    const [input, done] = [new Channel<number>(), new AbortController()]
    const collected = collect(orDone(scope, input, done.signal))
    await input.send(1)
    await settle()
    done.abort()
    expect(await collected).toEqual([1])
    await scope.wait()
    expect(input.trySend(2)).toBe(false)
  })

  everySchedule('orDone drops its value in transit when `done` aborts, though a receiver waits', async () => {
    for (const _ of upTo(sized(20, 1))) {
      await using scope = new Scope()
      const [input, done] = [new Channel<number>(), new AbortController()]
      const received = orDone(scope, input, done.signal).receive()
      await settle()
      expect(input.trySend(1)).toBe(true)
      done.abort()
      expect(await received).toEqual({ ok: false, value: undefined })
    }
  })

  everySchedule('orDone sends nothing after `done` aborts, though values are ready', async () => {
    await using scope = new Scope()
    const [input, done] = [new Channel<number>(9), new AbortController()]
    for (const n of upTo(9)) await input.send(n)
    const output = orDone(scope, input, done.signal)
    expect((await output.receive()).value).toBe(0)
    done.abort()
    expect(await collect(output)).toEqual([])
    expect(await collect(orDone(scope, input, done.signal))).toEqual([])
  })
})

describe('stages', () => {
  everySchedule('a stage may end before its input', async () => {
    await using scope = new Scope()
    const naturals = stage(scope, new Channel<never>(), async function* () {
      for (let n = 0; ; n++) yield n
    })
    const firstThree = stage(scope, naturals, async function* (values) {
      let left = 3
      for await (const n of values) {
        yield n
        if (--left === 0) return
      }
    })
    expect(await collect(firstThree)).toEqual([0, 1, 2])
  })

  everySchedule('a cancelled stage runs its finally before the scope ends', async () => {
    const scope = new Scope()
    const steps: string[] = []
    const output = stage(scope, fromIterable(scope, upTo(3)), async function* (values) {
      try {
        for await (const n of values) yield n
      } finally {
        await settle()
        steps.push('cleaned up')
      }
    })
    await output.receive()
    await settle()
    await scope[Symbol.asyncDispose]()
    expect(steps).toEqual(['cleaned up'])
  })

  everySchedule(
    'parallelMap: a slow value holds back the results after it, and no value is received in vain',
    async () => {
      await using scope = new Scope()
      const [input, clock] = [new Channel<number>(), new ManualClock()]
      const started: number[] = []
      const output = parallelMap(scope, input, 3, async (ms, signal) => {
        started.push(ms)
        await sleep(clock, ms, signal)
        return ms
      })
      for (const ms of [30, 10, 20]) await input.send(ms)
      await settle()
      expect(input.trySend(5)).toBe(false)
      const first = output.receive()
      await clock.advance(29)
      expect(await hasSettled(first)).toBe(false)
      await clock.advance(1)
      expect([await first, await output.receive(), await output.receive()].map(({ value }) => value)).toEqual(
        [30, 10, 20],
      )
      expect(started).toEqual([30, 10, 20])
    },
  )

  everySchedule('a busy worker leaves values to the others', async () => {
    await using scope = new Scope()
    const clock = new ManualClock()
    const results = workerPool(scope, fromIterable(scope, [9, 1, 2, 3]), 2, async (ms, signal) => {
      await sleep(clock, ms, signal)
      return ms
    })
    expect((await timed(clock, results)).map(([, ms]) => ms)).toEqual([1, 2, 3, 9])
  })
})

describe('pace', () => {
  everySchedule(
    'a batch is sent when it is full, when its time limit has passed, and at the end',
    async () => {
      await using scope = new Scope()
      const clock = new ManualClock()
      const input = at(scope, clock, [0, 'a'], [1, 'b'], [2, 'c'], [50, 'd'], [55, 'e'], [70, 'f'])
      expect(await timed(clock, batch(scope, input, { size: 3, withinMs: 10, clock }))).toEqual([
        [2, ['a', 'b', 'c']],
        [60, ['d', 'e']],
        [70, ['f']],
      ])
    },
  )

  everySchedule('a batch without a time limit waits until it is full', async () => {
    await using scope = new Scope()
    const [input, clock] = [new Channel<number>(1), new ManualClock()]
    const batches = batch(scope, input, { size: 2, withinMs: Infinity, clock })
    await input.send(1)
    await clock.advance(1e12)
    expect(batches.tryReceive()).toBe(EMPTY)
    await input.send(2)
    expect((await batches.receive()).value).toEqual([1, 2])
    expect(clock.pending).toBe(0)
  })

  everySchedule(
    'throttle passes the first value at once and the rest at intervals; after a pause at once again',
    async () => {
      await using scope = new Scope()
      const clock = new ManualClock()
      const input = at(scope, clock, [0, 'a'], [0, 'b'], [0, 'c'], [95, 'd'])
      expect(await timed(clock, throttle(scope, input, { everyMs: 10, clock }))).toEqual([
        [0, 'a'],
        [10, 'b'],
        [20, 'c'],
        [95, 'd'],
      ])
    },
  )

  everySchedule('throttle measures from the moment at which a value was received', async () => {
    await using scope = new Scope()
    const clock = new ManualClock()
    const output = throttle(scope, fromIterable(scope, ['a', 'b']), { everyMs: 10, clock })
    await clock.advance(100)
    expect((await output.receive()).value).toBe('a')
    const next = output.receive()
    await clock.advance(9)
    expect(await hasSettled(next)).toBe(false)
    await clock.advance(1)
    expect((await next).value).toBe('b')
  })

  everySchedule('debounce passes the last value of each burst after the quiet time', async () => {
    await using scope = new Scope()
    const clock = new ManualClock()
    const input = at(scope, clock, [0, 'a'], [9, 'b'], [18, 'c'], [40, 'd'], [45, 'e'])
    expect(await timed(clock, debounce(scope, input, { quietMs: 10, clock }))).toEqual([
      [28, 'c'],
      [45, 'e'],
    ])
  })

  everySchedule('debounce replaces an unreceived value, and waits for quiet again', async () => {
    await using scope = new Scope()
    const [input, clock] = [new Channel<string>(), new ManualClock()]
    const output = debounce(scope, input, { quietMs: 10, clock })
    await input.send('old')
    await clock.advance(50)
    await input.send('new')
    const next = output.receive()
    await clock.advance(9)
    expect(await hasSettled(next)).toBe(false)
    await clock.advance(1)
    expect((await next).value).toBe('new')
  })

  test('delays that are not numbers are rejected', () => {
    const [scope, input, clock] = [new Scope(), new Channel<number>(), new ManualClock()]
    const ms = Number.NaN
    expect(() => batch(scope, input, { size: 1, withinMs: ms, clock })).toThrow(RangeError)
    expect(() => throttle(scope, input, { everyMs: ms, clock })).toThrow(RangeError)
    expect(() => debounce(scope, input, { quietMs: ms, clock })).toThrow(RangeError)
  })
})

everySchedule('a buffer lets its sender run ahead by its capacity', async () => {
  await using scope = new Scope()
  const input = new Channel<number>()
  const output = buffer(scope, input, { capacity: 2, whenFull: 'wait' })
  for (const n of upTo(3)) await input.send(n)
  await settle()
  expect([output.length, output.capacity, output.dropped]).toEqual([2, 2, 0])
  expect(() => buffer(scope, input, { capacity: 0, whenFull: 'dropOldest' })).toThrow(RangeError)
})
