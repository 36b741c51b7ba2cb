import { ManualClock, seededRandom } from '@millrace/world'
import type { ConnectorContext, Source, SplitReader } from '@millrace/core/connector'
import { describeCases, SimOwners, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { generate } from './generate.ts'
import type { GenerateOptions, RecordSeed } from './generator-plan.ts'
import type { GeneratorPosition } from './generator-reader.ts'

interface Made {
  readonly index: number
  readonly time: number
  readonly drawn: number
}

const make = ({ index, time, random }: RecordSeed): Made => ({ index, time, drawn: random.int(1_000_000) })

function contextOf(changes: Partial<ConnectorContext> = {}): ConnectorContext {
  return {
    name: 'made',
    clock: new ManualClock(),
    random: seededRandom(1),
    fs: undefined as never,
    directory: 'made',
    owner: new SimOwners().take(),
    isBounded: true,
    start: { kind: 'first', checkpoint: undefined },
    signal: new AbortController().signal,
    warn: (message) => expect.unreachable(message),
    down: () => {},
    trying: () => {},
    up: () => {},
    ...changes,
  }
}

function take<T>(reader: SplitReader<T, GeneratorPosition>, limit: number): readonly T[] {
  const poll = reader.poll(limit)
  return poll.kind === 'records' ? poll.values : []
}

async function readSplit<T>(source: Source<T, GeneratorPosition>, split: string): Promise<T[]> {
  const reader = await source.open(split, undefined, contextOf())
  const values: T[] = []
  for (;;) {
    const taken = take(reader, 7)
    if (taken.length === 0) break
    values.push(...taken)
  }
  expect(reader.poll(1)).toEqual({ kind: 'end' })
  await reader.close()
  return values
}

async function readAll(options: Omit<GenerateOptions<Made>, 'make'>): Promise<Made[][]> {
  const source = generate({ make, ...options })
  const { splits, isComplete } = await source.discover(contextOf())
  expect(isComplete).toBe(true)
  return Promise.all(splits.map((split) => readSplit(source, split)))
}

const byIndex = (a: Made, b: Made): number => a.index - b.index

describe('generated records', () => {
  test('the same seed gives the same records, another seed gives others', async () => {
    const [first = []] = await readAll({ seed: 7, count: 50 })
    expect(await readAll({ seed: 7, count: 50 })).toEqual([first])
    const [other = []] = await readAll({ seed: 8, count: 50 })
    expect(other.map((made) => made.drawn)).not.toEqual(first.map((made) => made.drawn))
    expect(new Set(first.map((made) => made.drawn)).size).toBe(50)
  })

  test('the records do not depend on the number of splits', async () => {
    const [whole = []] = await readAll({ seed: 7, count: 50 })
    for (const splits of [2, 3, 50, 60]) {
      const parts = await readAll({ seed: 7, count: 50, splits })
      expect(parts).toHaveLength(splits)
      expect(parts.flat().sort(byIndex)).toEqual(whole)
    }
  })

  test('event time starts at startAt and advances by the rate', async () => {
    const [made = []] = await readAll({ seed: 1, count: 5, startAt: 1_000, every: 20 })
    expect(made.map(({ time }) => time)).toEqual([1_000, 1_020, 1_040, 1_060, 1_080])
    const reader = await generate({ seed: 1, rate: 3, make }).open('0-of-1', undefined, contextOf())
    expect(take(reader, 1).map(({ time }) => time)).toEqual([0])
  })

  test('the interval of event times follows the rate unless `every` is given', async () => {
    const times = async (options: Partial<GenerateOptions<number>>): Promise<readonly number[]> => {
      const clock = new ManualClock()
      const source = generate({ seed: 1, rate: 4, make: ({ time }) => time, ...options })
      const reader = await source.open('0-of-1', undefined, contextOf({ clock }))
      await clock.advance(1_000)
      return take(reader, 3)
    }
    expect(await times({})).toEqual([0, 250, 500])
    expect(await times({ every: '1s' })).toEqual([0, 1_000, 2_000])
  })

  test('maxOutOfOrderness changes only the order, within its bound', async () => {
    const [ordered = []] = await readAll({ seed: 3, count: 1_003, every: 10 })
    const [shuffled = []] = await readAll({ seed: 3, count: 1_003, every: 10, maxOutOfOrderness: '95ms' })
    expect(shuffled).not.toEqual(ordered)
    expect([...shuffled].sort(byIndex)).toEqual(ordered)
    let newest = -Infinity
    let farthestBehind = 0
    for (const { time } of shuffled) {
      farthestBehind = Math.max(farthestBehind, newest - time)
      newest = Math.max(newest, time)
    }
    expect(farthestBehind).toBe(90)
  })

  test('a restart at any position continues with the next record', async () => {
    const options = { seed: 5, count: 40, splits: 2, every: 10, maxOutOfOrderness: 100, make }
    const source = generate(options)
    const whole = await readSplit(source, '1-of-2')
    const reader = await source.open('1-of-2', undefined, contextOf())
    for (let read = 0; read <= whole.length; read++) {
      const position = JSON.parse(JSON.stringify(reader.position())) as GeneratorPosition
      expect(position).toEqual({ index: read })
      const again = await generate(options).open('1-of-2', position, contextOf())
      expect(take(again, 100)).toEqual(whole.slice(read))
      take(reader, 1)
    }
  })

  test('an error in make fails the poll with place and cause, and the position stays', async () => {
    const cause = new Error('no such country')
    const failing = generate({
      seed: 1,
      count: 9,
      make: ({ index }) => {
        if (index === 4) throw cause
        return index
      },
    })
    const reader = await failing.open('0-of-1', undefined, contextOf())
    expect(take(reader, 4)).toEqual([0, 1, 2, 3])
    expect(() => reader.poll(4)).toThrow(
      expect.objectContaining({ code: 'SOURCE_FAILED', place: 'split 0-of-1, record 4', cause }),
    )
    expect(reader.position()).toEqual({ index: 4 })
  })

  test('a record has a place', async () => {
    const reader = await generate({ seed: 1, count: 9, make }).open('0-of-1', { index: 4 }, contextOf())
    const poll = reader.poll(3)
    expect(poll.kind === 'records' && poll.origin?.place(2)).toBe('record 6')
  })
})

describe('the rate', () => {
  test('records are emitted when they are due, one clock second at a time', async () => {
    const clock = new ManualClock()
    const reader = await generate({ seed: 1, rate: 10, make }).open('0-of-1', undefined, contextOf({ clock }))
    expect(take(reader, 100)).toHaveLength(1)
    expect(reader.poll(100)).toEqual({ kind: 'pending', isCaughtUp: true })
    let isReady = false
    const ready = reader.ready().then(() => (isReady = true))
    await clock.advance(99)
    expect(isReady).toBe(false)
    await clock.advance(1)
    await ready
    expect(take(reader, 100)).toHaveLength(1)
    await clock.advance(1_000)
    expect(take(reader, 100)).toHaveLength(10)
  })

  test('the rate holds over all splits together, and after a restart', async () => {
    const clock = new ManualClock()
    const source = generate({ seed: 1, rate: 10, splits: 2, make })
    const reader = await source.open('1-of-2', { index: 500 }, contextOf({ clock }))
    await clock.advance(1_000)
    expect(take(reader, 100).map(({ index }) => index)).toEqual([1001, 1003, 1005, 1007, 1009, 1011])
  })

  test.each([3, 7, 0.3, 12_345.678])('waiting for %d records per second does not busy-loop', async (rate) => {
    const clock = new ManualClock()
    const reader = await generate({ seed: 1, rate, make }).open('0-of-1', undefined, contextOf({ clock }))
    let made = 0
    for (let wait = 0; wait < 100; wait++) {
      made += take(reader, 1_000).length
      const ready = reader.ready()
      expect(clock.nextDelay()).toBeGreaterThanOrEqual(1)
      await clock.advance(clock.nextDelay()!)
      await ready
    }
    expect(Math.abs(made - (clock.monotonic() / 1_000) * rate)).toBeLessThanOrEqual(rate / 1_000 + 2)
  })

  test('close and abort end a wait and leave no timer', async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    const source = generate({ seed: 1, rate: 0.001, make })
    for (const end of ['close', 'abort']) {
      const reader = await source.open('0-of-1', undefined, contextOf({ clock, signal: abort.signal }))
      take(reader, 1)
      const ready = reader.ready()
      expect(clock.pending).toBe(1)
      if (end === 'abort') abort.abort()
      else await reader.close()
      await ready
      expect(clock.pending).toBe(0)
    }
  })
})

describe('the generator rejects', () => {
  test('a bounded job without a count', async () => {
    const endless = generate({ seed: 1, make })
    await expect(endless.discover(contextOf())).rejects.toThrow(/Set count/)
    await expect(endless.discover(contextOf({ isBounded: false }))).resolves.toMatchObject({
      isComplete: true,
    })
  })

  test('a checkpoint with another number of splits', async () => {
    const source = generate({ seed: 1, count: 9, splits: 2, make })
    for (const split of ['0-of-3', '2-of-2', 'x', '00-of-2']) {
      await expect(source.open(split, undefined, contextOf())).rejects.toMatchObject({
        code: 'CHECKPOINT_INCOMPATIBLE',
      })
    }
  })

  test.each([{ index: -1 }, { index: 0.5 }, { index: 'one' }, null])('the position %j', async (from) => {
    const source = generate({ seed: 1, count: 9, make })
    await expect(source.open('0-of-1', from as GeneratorPosition, contextOf())).rejects.toMatchObject({
      code: 'CHECKPOINT_INCOMPATIBLE',
    })
  })

  test.each([
    { seed: Number.NaN },
    { count: -1 },
    { count: 1.5 },
    { rate: 0 },
    { rate: Number.NaN },
    { splits: 0 },
    { startAt: Infinity },
    { every: 0 },
    { every: 'soon' },
    { maxOutOfOrderness: -1 },
    { every: 0.001, maxOutOfOrderness: '1h' },
  ])('%j', (wrong) => {
    expect(() => generate({ seed: 1, make, ...wrong })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})

for (const rate of [undefined, 1_000]) {
  const options = { seed: 7, count: 25, splits: 3, maxOutOfOrderness: 10, ...(rate && { rate }), make }
  describeCases(
    rate === undefined ? 'generate, as fast as possible' : 'generate, paced',
    sourceConformance<Made>({
      create: async () => {
        const names = ['0-of-3', '1-of-3', '2-of-3']
        const unpaced = generate({ ...options, rate: Infinity, every: 1 })
        const records = await Promise.all(names.map((name) => readSplit(unpaced, name)))
        return {
          source: () => generate(options),
          splits: new Map(names.map((name, i) => [name, records[i] ?? []])),
        }
      },
      features: {
        durability: 'replayable',
        ends: true,
        severalSplits: true,
        failures: false,
        grows: false,
        acknowledges: false,
      },
    }),
    { describe, test },
  )
}
