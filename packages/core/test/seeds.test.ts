import { memory, type MemorySink } from '@millrace/connector-memory'
import { output, state, type PipelineBuilder, type SeedRows } from '@millrace/flow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, multiset, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

interface Row {
  readonly key: number
  readonly amount: number
}

const numbers = Array.from({ length: 300 }, (_, n) => n)

interface Trial {
  readonly rows: SeedRows<Row, number, 'untimed'>['from']
  readonly id?: string
  readonly sink: MemorySink<unknown>
  readonly fill?: (row: Row) => void
}

/** Running totals of numbers by their remainder of 5, which begin with what the seed has. */
function totals({ rows, id = 'one', sink, fill }: Trial): (p: PipelineBuilder) => void {
  return (p) =>
    p
      .from('numbers', pacedSource({ all: numbers }, 2))
      .keyBy((n) => n % 5)
      .process('total', {
        output: output<readonly [number, number]>(),
        state: { total: state.value<number>(), seeds: state.list<number>() },
        seed: {
          id,
          from: rows,
          key: (row: Row) => row.key,
          fill({ value }, { state: { total, seeds } }) {
            fill?.(value)
            total.set((total.get() ?? 0) + value.amount)
            seeds.add(value.amount)
          },
        },
        onRecord({ key, value }, { state: { total, seeds }, emit }) {
          total.set((total.get() ?? 0) + value)
          emit([key, total.get()! + seeds.get().length * 1e6])
        },
      })
      .to('out', sink)
}

/** The same in a few lines. */
function expected(rows: readonly Row[]): readonly string[] {
  const found = new Map<number, { total: number; seeds: number }>()
  const at = (key: number) => {
    if (!found.has(key)) found.set(key, { total: 0, seeds: 0 })
    return found.get(key)!
  }
  for (const { key, amount } of rows) {
    at(key).total += amount
    at(key).seeds++
  }
  const values = numbers.map((n) => {
    const own = at(n % 5)
    own.total += n
    return [n % 5, own.total + own.seeds * 1e6]
  })
  return multiset({ values })
}

/** Ends a life at once, after so many checkpoints. */
function killAfter(checkpoints: number): NonNullable<LifeOptions['onEvent']> {
  return (event, job) => {
    const isDue =
      checkpoints === 0
        ? event.kind === 'started'
        : event.kind === 'checkpointCompleted' && event.figures.checkpoint === checkpoints
    if (isDue) void job.cancel()
  }
}

function warningsOf({ events }: SimulatedLife): string {
  return events.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])).join('\n')
}

const someRows: readonly Row[] = [
  { key: 1, amount: 100 },
  { key: 2, amount: 200 },
  { key: 1, amount: 50 },
]

describe('a seed', () => {
  test('is applied once, whenever the job is killed and with whatever parallelism it resumes', async () => {
    const row = fc.record({ key: fc.integer({ min: 0, max: 7 }), amount: fc.integer({ min: 0, max: 999 }) })
    const life = fc.record({
      checkpoints: fc.integer({ min: 0, max: 3 }),
      parallelism: fc.integer({ min: 1, max: 4 }),
      hasThreads: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30 }),
        fc.array(life, { maxLength: 3 }),
        async (rows, lives) => {
          const sink = memory.write<unknown>()
          const build = totals({ rows, sink })
          let platform: SimulatedLife['platform'] | undefined
          let done = 0
          for (const { checkpoints, parallelism, hasThreads } of lives) {
            done += checkpoints
            const threads = hasThreads ? parallelism : 1
            const options = { parallelism, threads, checkpoints: { everyMs: 20 }, onEvent: killAfter(done) }
            const end = await live(
              build,
              platform === undefined ? options : { ...options, platform: nextLife(platform) },
            )
            platform = end.platform
          }
          const last = await live(build, platform === undefined ? {} : { platform: nextLife(platform) })
          expect(last.result).toEqual({ outcome: 'finished' })
          expect(multiset(sink)).toEqual(expected(rows))
        },
      ),
      { numRuns: 30 },
    )
  })

  test.each([
    ['an array', someRows],
    ['a function that returns values', () => new Set(someRows)],
    [
      'a function that returns them one by one later',
      async function* () {
        for (const row of someRows) yield await Promise.resolve(row)
      },
    ],
    ['a source with several splits', memory.read<Row>({ a: someRows.slice(0, 1), b: someRows.slice(1) })],
  ] as const)('is read from %s', async (_, rows) => {
    const sink = memory.write<unknown>()
    const { result } = await live(totals({ rows, sink }), { parallelism: 2 })
    expect(result).toEqual({ outcome: 'finished' })
    expect(multiset(sink)).toEqual(expected(someRows))
  })

  test('with another id is not applied to state that exists, which a start says', async () => {
    const sink = memory.write<unknown>()
    const stopAfterOne = { checkpoints: { everyMs: 20 }, onEvent: killAfter(1) }
    const { platform } = await live(totals({ rows: someRows, sink }), stopAfterOne)
    const again = await live(totals({ rows: [{ key: 1, amount: 7 }], id: 'two', sink }), {
      platform: nextLife(platform),
    })
    expect(warningsOf(again)).toContain(
      "'total' of checkpoint 1 is converted: seed was one and is two: state is kept, and the seed is not applied to it. To begin with the seed, drop the state with --drop-state total",
    )
    expect(multiset(sink)).toEqual(expected(someRows))
  })

  test('is applied when the state of its operator is dropped, once', async () => {
    const sink = memory.write<unknown>()
    const build = totals({ rows: someRows, sink })
    let filled = 0
    const again = totals({ rows: someRows, sink, fill: () => void filled++ })
    const first = await live(build, { checkpoints: { everyMs: 20 }, onEvent: killAfter(1) })
    const dropping = { dropState: ['total'], checkpoints: { everyMs: 20 } }
    const second = await live(again, {
      platform: nextLife(first.platform),
      ...dropping,
      onEvent: killAfter(3),
    })
    expect(filled).toBe(someRows.length)
    await live(again, { platform: nextLife(second.platform), ...dropping })
    expect(filled).toBe(someRows.length)
  })

  test('is applied to an operator that is new in a job with checkpoints', async () => {
    const [sink, other] = [memory.write<unknown>(), memory.write<unknown>()]
    const counting = (p: PipelineBuilder): void => {
      p.from('numbers', pacedSource({ all: numbers }, 2)).to('all', other)
    }
    const first = await live(counting, { checkpoints: { everyMs: 20 }, onEvent: killAfter(1) })
    const read = other.values.length
    const both = (p: PipelineBuilder): void => {
      const all = p.from('numbers', pacedSource({ all: numbers }, 2))
      all.to('all', other)
      all
        .keyBy((n) => n % 5)
        .reduce('most', Math.max, {
          seed: { id: 'limits', from: [9_000, 9_001], key: (n: number) => n % 5, value: (n) => n },
        })
        .to('out', sink)
    }
    await live(both, { platform: nextLife(first.platform) })
    const rest = numbers.slice(read).map((n) => ({ key: n % 5, value: n % 5 < 2 ? 9_000 + (n % 5) : n }))
    expect(multiset(sink)).toEqual(multiset({ values: rest }))
  })

  test('with times expires by them', async () => {
    const hour = 3_600_000
    const sink = memory.write<unknown>()
    await live((p) =>
      p
        .from('times', memory.read([0.5 * hour, 2 * hour]))
        .withTimestamps({ timestamp: (time) => time })
        .keyBy(() => 'all')
        .process('known', {
          output: output<number | undefined>(),
          state: { known: state.value<number>({ ttl: { after: '1h', refresh: 'create' } }) },
          seed: {
            id: 'one',
            from: [7],
            key: () => 'all' as const,
            time: () => 0,
            fill: ({ value }, { state: { known } }) => known.set(value),
          },
          onRecord: (_, { state: { known }, emit }) => emit(known.get()),
        })
        .to('out', sink),
    )
    expect(sink.values).toEqual([7, undefined])
  })

  test('that its operator does not take ends the job before it reads anything, and names the row', async () => {
    const sink = memory.write<unknown>()
    const fill = ({ amount }: Row): void => {
      if (amount === 200) throw new Error('too much')
    }
    const { result } = await live(totals({ rows: someRows, sink, fill }))
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { code: 'SEED_FAILED', message: "seed 'one' of operator 'total', row 2: too much" },
    })
    expect(sink.values).toEqual([])
  })

  test('that cannot be read ends the job, and says how far it came', async () => {
    const rows = async function* () {
      yield* someRows
      await Promise.resolve()
      throw new Error('gone')
    }
    const { result } = await live(totals({ rows, sink: memory.write() }))
    expect(result).toMatchObject({
      error: { message: "seed 'one' of operator 'total' could not be read after 3 rows: gone" },
    })
  })
})
