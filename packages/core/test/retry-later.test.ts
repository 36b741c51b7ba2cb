import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import type { DeadLetter } from '@millrace/core/operator'
import {
  output,
  retryThenDeadLetter,
  state,
  tumbling,
  count,
  type OnError,
  type PipelineBuilder,
  type RetryOptions,
} from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

interface Numbered {
  readonly n: number
  readonly key: number
}

/** How often each record fails before it succeeds. */
class Failures {
  readonly #left: Map<number, number>
  readonly attempts: number[] = []

  constructor(times: ReadonlyMap<number, number>) {
    this.#left = new Map(times)
  }

  check(n: number): void {
    this.attempts.push(n)
    const left = this.#left.get(n) ?? 0
    if (left === 0) return
    this.#left.set(n, left - 1)
    throw new Error(`${n} fails`)
  }
}

function numbers(length: number): readonly Numbered[] {
  return Array.from({ length }, (_, n) => ({ n, key: n % 3 }))
}

type Build = (p: PipelineBuilder, check: (n: number) => void, onError: OnError) => void

/** Numbers the records of each key, and changes its state before it fails. */
function keyed(all: readonly Numbered[], sink: Sink<string>): Build {
  return (p, check, onError) =>
    p
      .from('in', pacedSource({ all }, 2))
      .keyBy(({ key }) => key)
      .process('number', {
        output: output<string>(),
        state: { count: state.value<number>() },
        onRecord({ value: { n, key } }, { emit, state: { count: seen } }) {
          const next = (seen.get() ?? 0) + 1
          seen.set(next)
          emit(`${key}:${next}:${n}`)
          check(n)
        },
        onError,
      })
      .to('out', sink)
}

interface Trial extends SimulatedLife {
  readonly letters: readonly DeadLetter[]
}

async function run(
  build: Build,
  failures: Failures,
  retry: RetryOptions,
  life: LifeOptions & { readonly letterSink?: ReturnType<typeof memory.write<DeadLetter>> } = {},
): Promise<Trial> {
  const { letterSink = memory.write<DeadLetter>(), ...rest } = life
  const onError = retryThenDeadLetter('letters', retry, letterSink)
  const lived = await live((p) => build(p, (n) => failures.check(n), onError), rest)
  return { ...lived, letters: letterSink.values }
}

/** What `keyed` writes for each key, if `lost` become dead letters. */
function expected(all: readonly Numbered[], lost: ReadonlySet<number> = new Set()): readonly string[][] {
  return [0, 1, 2].map((key) =>
    all.filter((each) => each.key === key && !lost.has(each.n)).map(({ n }, i) => `${key}:${i + 1}:${n}`),
  )
}

function byKey(values: readonly string[]): readonly string[][] {
  return [0, 1, 2].map((key) => values.filter((value) => value.startsWith(`${key}:`)))
}

describe('a record that is tried again later', () => {
  test('EN-244 keeps its key in order, leaves no trace of failed attempts, and holds up no other key', async () => {
    const all = numbers(300)
    const sink = memory.write<string>()
    const failures = new Failures(new Map([[30, 3]]))
    const { result, letters, job } = await run(keyed(all, sink), failures, {
      attempts: 5,
      firstDelay: 1_000,
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(byKey(sink.values)).toEqual(expected(all))
    expect(letters).toEqual([])
    expect(failures.attempts.filter((n) => n === 30)).toHaveLength(4)
    // Every record of the other keys was handled before the second attempt.
    const second = failures.attempts.indexOf(30, failures.attempts.indexOf(30) + 1)
    expect(failures.attempts.slice(0, second).filter((n) => n % 3 !== 0)).toHaveLength(200)
    expect(job.status().tasks.flatMap((task) => [...task.counts])).toContainEqual(['number/retried', 3])
  })

  test('EN-244 is one dead letter once its attempts are used up, and the rest of its key follows', async () => {
    const all = numbers(300)
    const sink = memory.write<string>()
    const { letters } = await run(keyed(all, sink), new Failures(new Map([[30, 99]])), {
      attempts: 4,
      firstDelay: 10,
    })
    expect(byKey(sink.values)).toEqual(expected(all, new Set([30])))
    expect(letters).toMatchObject([
      {
        operator: 'number',
        attempts: 4,
        source: 'events',
        position: 'index 30',
        key: '0',
        message: '30 fails',
      },
    ])
  })

  test('is not tried again after its budget, nor for an error that retryIf refuses', async () => {
    const all = numbers(9)
    const spent = new Failures(new Map([[3, 99]]))
    const retry = { attempts: 99, firstDelay: 1_000, longestDelay: 1_000, budget: 3_000 }
    const { letters } = await run(keyed(all, memory.write<string>()), spent, retry)
    expect(letters).toHaveLength(1)
    expect(spent.attempts.filter((n) => n === 3).length).toBeGreaterThanOrEqual(4)
    expect(spent.attempts.filter((n) => n === 3).length).toBeLessThanOrEqual(7)
    const refused = new Failures(new Map([[3, 99]]))
    await run(keyed(all, memory.write<string>()), refused, { retryIf: () => false })
    expect(refused.attempts.filter((n) => n === 3)).toHaveLength(1)
  })

  test('EN-244 and its attempts outlive a restart of the process', async () => {
    const all = numbers(30)
    const platform = simPlatform({ seed: 1 })
    const failures = new Failures(new Map([[6, 99]]))
    const retry = { attempts: 4, firstDelay: 10_000, longestDelay: 10_000 }
    const sink = memory.write<string>()
    const first = await run(keyed(all, sink), failures, retry, {
      platform,
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 150) void job.stop()
      },
    })
    expect(first.result).toEqual({ outcome: 'stopped' })
    expect(failures.attempts.filter((n) => n === 6)).toHaveLength(2)
    const { letters } = await run(keyed(all, sink), failures, retry, { platform: nextLife(platform) })
    expect(failures.attempts.filter((n) => n === 6)).toHaveLength(4)
    expect(letters).toMatchObject([{ attempts: 4, position: 'index 6', source: 'events' }])
    expect(byKey(sink.values)).toEqual(expected(all, new Set([6])))
  })

  test('holds back event time, so that its results are not late', async () => {
    const all = numbers(120)
    const sink = memory.write<{ readonly count: number; readonly window: unknown }>()
    const late = memory.write<Numbered>()
    const build: Build = (p, check, onError) => {
      const windows = p
        .from('in', pacedSource({ all }, 2))
        .withTimestamps({ timestamp: ({ n }) => n * 10 })
        .map(
          (value) => {
            check(value.n)
            return value
          },
          { name: 'check', onError },
        )
        .keyBy(({ key }) => key)
        .window(tumbling(100))
        .aggregate('per-window', { count: count() })
      windows.to('out', sink)
      windows.late.to('late', late)
    }
    const { result } = await run(build, new Failures(new Map([[5, 3]])), { firstDelay: 1_000 })
    expect(result).toEqual({ outcome: 'finished' })
    expect(late.values).toEqual([])
    expect(sink.values.reduce((sum, each) => sum + each.count, 0)).toBe(120)
  })

  test('is written again by a sink that has rejected it', async () => {
    const all = numbers(60)
    const inner = memory.write<Numbered>()
    const failures = new Failures(
      new Map([
        [7, 2],
        [20, 99],
      ]),
    )
    const sink: Sink<Numbered> = {
      kind: 'fussy',
      guarantee: 'exactly-once',
      open: async (...[subtask, pending]: Parameters<Sink<Numbered>['open']>) => {
        const writer = await inner.open(subtask, pending as never[])
        return {
          write: async (batch, reject) => {
            const kept: Numbered[] = []
            for (let i = 0; i < batch.length; i++) {
              try {
                failures.check(batch.values[i]!.n)
                kept.push(batch.values[i]!)
              } catch (error) {
                reject(i, error)
              }
            }
            await writer.write({ ...batch, length: kept.length, values: kept }, reject)
          },
          prepare: async (checkpoint) => writer.prepare(checkpoint),
          commit: async (committable) => writer.commit!(committable as never),
          close: async () => {},
        }
      },
    }
    const { result, letters } = await run(
      (p, _, onError) => p.from('in', pacedSource({ all }, 2)).to('out', sink, { onError }),
      failures,
      { attempts: 3, firstDelay: 50 },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(inner.values.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(
      all.map(({ n }) => n).filter((n) => n !== 20),
    )
    expect(letters).toMatchObject([{ operator: 'out', attempts: 3, position: 'index 20' }])
  })

  test('EN-244 for any failures, stops and parallelism: each record once or one letter, each key in order', async () => {
    const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 200 : 8
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 1_000 }),
        async (times, stops, parallelism, seed) => {
          const all = numbers(times.length)
          const failures = new Failures(new Map(times.map((left, n) => [n, left])))
          const [sink, letterSink] = [memory.write<string>(), memory.write<DeadLetter>()]
          let platform = simPlatform({ seed })
          for (const [life, stopAt] of [...stops, undefined].entries()) {
            let checkpoints = 0
            await run(
              keyed(all, sink),
              failures,
              { attempts: 4, firstDelay: 1, longestDelay: 20 },
              {
                letterSink,
                platform,
                parallelism: parallelism[life]!,
                checkpoints: { everyMs: 7 },
                onEvent: (event, job) => {
                  if (event.kind === 'checkpointCompleted' && ++checkpoints === stopAt) void job.stop()
                },
              },
            )
            platform = nextLife(platform, seed + life + 1)
          }
          const lost = new Set(times.flatMap((left, n) => (left >= 4 ? [n] : [])))
          expect(byKey(sink.values)).toEqual(expected(all, lost))
          expect(new Set(letterSink.values.map(({ position }) => position))).toEqual(
            new Set([...lost].map((n) => `index ${n}`)),
          )
          expect(letterSink.values).toHaveLength(lost.size)
        },
      ),
      { numRuns: runs },
    )
  })
})
