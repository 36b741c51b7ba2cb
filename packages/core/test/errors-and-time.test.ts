import { describe, expect, test } from 'vitest'
import { sleep } from '@millrace/world'
import { memory } from '@millrace/connector-memory'
import type { DeadLetter } from '@millrace/core/operator'
import type { Source } from '@millrace/core/connector'
import { count, deadLetter, output, skip, state, tumbling, type SourceStream } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live } from './simulated-job.ts'

const ten = Array.from({ length: 10 }, (_, i) => i)

function unless(bad: number): (n: number) => number {
  return (n) => {
    if (n === bad) throw new TypeError(`cannot take ${n}`)
    return n
  }
}

/** A mistake that only a program which is not type-checked can make. */
const later = ((n: number) => Promise.resolve(n)) as unknown as (n: number) => number

describe('error policies', () => {
  test('skip drops the record and counts it', async () => {
    const sink = memory.write<number>()
    const { result, job } = await live((p) =>
      p
        .from('numbers', memory.read({ all: ten }))
        .map(unless(3), { name: 'check', onError: skip() })
        .to('out', sink),
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.values).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9])
    expect(job.status().tasks.flatMap((task) => [...task.counts])).toContainEqual(['check/skipped', 1])
  })

  test('EN-245 a dead letter has raw bytes, place, error, stack and value, and other records continue', async () => {
    const sink = memory.write<number>()
    const letters = memory.write<DeadLetter>()
    await live((p) =>
      p
        .from('numbers', pacedSource({ all: ten }, 4))
        .map((n) => n * 1)
        .map(unless(3), { name: 'check', onError: deadLetter('letters', letters) })
        .map((n) => n + 100)
        .to('out', sink),
    )
    expect(sink.values).toEqual([100, 101, 102, 104, 105, 106, 107, 108, 109])
    expect(letters.values).toEqual([
      {
        pipeline: 'test',
        operator: 'check',
        code: 'OPERATOR_FAILED',
        message: 'TypeError: cannot take 3',
        stack: expect.stringContaining('errors-and-time.test.ts') as string,
        place: "source 'events', split 'all', index 3",
        source: 'events',
        split: 'all',
        position: 'index 3',
        headers: null,
        key: null,
        attempts: 1,
        redrives: 0,
        value: '3',
        raw: Buffer.from('3').toString('base64'),
        time: null,
        failedAt: expect.any(Number) as number,
      },
    ])
  })

  test.each([
    ['skip', skip()],
    ['deadLetter', deadLetter('letters', memory.write<DeadLetter>())],
  ])('%s: a flatMap that fails half-way emits nothing of the record', async (_, onError) => {
    const sink = memory.write<number>()
    await live((p) =>
      p
        .from('numbers', memory.read({ all: [1, 2] }))
        .flatMap(
          function* (n) {
            yield n * 10
            if (n === 1) throw new Error('half-way')
            yield n * 10 + 1
          },
          { onError },
        )
        .to('out', sink),
    )
    expect(sink.values).toEqual([20, 21])
  })

  test.each([
    ['a map', (numbers: SourceStream<number>) => numbers.map(later)],
    ['withTimestamps', (numbers: SourceStream<number>) => numbers.withTimestamps({ timestamp: later })],
  ])('%s that returns a promise stops the job for good, whatever the policy', async (_, use) => {
    const { result, events } = await live((p) => {
      p.onError(skip())
      use(p.from('numbers', memory.read({ all: ten }))).to('out', memory.write())
    })
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'ASYNC_FUNCTION' } })
    expect(String((result as { error: unknown }).error)).toMatch(
      /-1' failed at source 'numbers'.*returned a promise.*call it in mapAsync/,
    )
    expect(events.filter((event) => event.kind === 'failed' && event.restartInMs !== undefined)).toEqual([])
  })

  test('a state value that cannot be saved stops the job, whatever the policy', async () => {
    const { result } = await live((p) =>
      p
        .from('numbers', memory.read({ all: [1, 2] }))
        .keyBy(() => 'all')
        .process('keep', {
          output: output<number>(),
          state: { last: state.value<unknown>() },
          onError: skip(),
          onRecord(_, { state: { last } }) {
            last.get()
            last.set(new (class Order {})())
          },
        })
        .to('out', memory.write()),
    )
    expect(result).toMatchObject({ outcome: 'failed' })
    expect(String((result as { error: unknown }).error)).toMatch(
      /state 'last' of operator 'keep' holds a value that cannot be saved.*Order/,
    )
  })

  test('a failure after mapAsync and a shuffle still names the place of its record', async () => {
    const letters = memory.write<DeadLetter>()
    await live(
      (p) =>
        p
          .from('numbers', pacedSource({ all: ten }, 4))
          .mapAsync('ask', async (n) => unless(4)(n), { onError: deadLetter('letters', letters) })
          .keyBy((n) => n % 3)
          .scan(
            'sum',
            () => 0,
            (sum, n) => sum + unless(7)(n),
            { onError: deadLetter('letters', letters) },
          )
          .to('out', memory.write()),
      { parallelism: 2 },
    )
    const seen = letters.values.map(({ operator, value, place }) => ({ operator, value, place }))
    expect(seen).toContainEqual({
      operator: 'ask',
      value: '4',
      place: "source 'events', split 'all', index 4",
    })
    expect(seen).toContainEqual({ operator: 'sum', value: '7', place: expect.any(String) as string })
  })

  test('bytes that a source cannot decode follow the policy of the source, in their place among the records', async () => {
    const letters = memory.write<DeadLetter>()
    const sink = memory.write<string>()
    const source: Source<string> = {
      ...memory.read<string>({}),
      discover: async () => ({ splits: ['s'], isComplete: true }),
      open: async () => {
        let isRead = false
        return {
          poll: () => {
            if (isRead) return { kind: 'end' }
            isRead = true
            const failure = {
              index: 1,
              error: new Error('not JSON'),
              raw: new Uint8Array([255]),
              place: 'line 2, byte 5',
            }
            return { kind: 'records', values: ['a', 'b'], failures: [failure] }
          },
          ready: async () => {},
          position: () => null,
          close: async () => {},
        }
      },
    }
    await live((p) => p.from('lines', source, { onError: deadLetter('letters', letters) }).to('out', sink))
    expect(sink.values).toEqual(['a', 'b'])
    expect(letters.values).toMatchObject([
      {
        operator: 'lines',
        place: "source 'lines', split 's', line 2, byte 5",
        raw: '/w==',
        code: 'DECODE_FAILED',
        message: 'DECODE_FAILED: not JSON',
        stack: expect.stringContaining('[cause]: Error: not JSON') as string,
      },
    ])
    const restart = { kind: 'fixed', delayMs: 10, attempts: 3 } as const
    const failed = await live((p) => p.from('lines', source).to('out', memory.write()), { restart })
    expect(failed.result).toHaveProperty(
      'error.message',
      "operator 'lines' failed at source 'lines', split 's', line 2, byte 5: DECODE_FAILED: not JSON. A restart would fail at the same record, so the job ends: fix the record, or set onError to skip() or deadLetter(name, sink)",
    )
    expect(failed.job.status().restarts).toBe(0)
  })

  test('EN-014 a record without a usable time fails with the place, and never lands in 1970', async () => {
    const { result } = await live((p) =>
      p
        .from('events', pacedSource({ all: [{ at: 5 }, {}] as { at?: number }[] }, 4))
        .withTimestamps({ timestamp: (event) => event.at as number })
        .keyBy(() => 1)
        .window(tumbling(10))
        .aggregate('w', { n: count() })
        .to('out', memory.write()),
    )
    expect(result).toHaveProperty(
      'error.message',
      expect.stringMatching(/index 1.*TIMESTAMP_INVALID.*undefined/),
    )
  })

  test('EN-062 a key selector that returns undefined fails; null is a key like any other', async () => {
    const keyed = async (key: (n: number) => string | null) => {
      const sink = memory.write<number>()
      const { result } = await live((p) =>
        p
          .from('n', memory.read({ all: ten }))
          .keyBy(key)
          .scan(
            'count',
            () => 0,
            (n) => n + 1,
          )
          .map(({ value }) => value)
          .to('out', sink),
      )
      return { result, sink }
    }
    expect((await keyed(() => null)).sink.values.at(-1)).toBe(10)
    const { result } = await keyed(() => undefined as never)
    expect(result).toHaveProperty('error.message', expect.stringContaining('KEY_INVALID'))
  })
})

describe('watermarks of a source', () => {
  test('EN-090 EN-239 the slowest split bounds the watermark, so its records are not late', async () => {
    const late = memory.write<unknown>()
    const windows = memory.write<{ n: number }>()
    await live((p) => {
      const counted = p
        .from('n', pacedSource({ fast: [0, 100, 200, 300], slow: [0, 10, 20, 310] }, 1))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy(() => 'all')
        .window(tumbling(100))
        .aggregate('w', { n: count() })
      counted.to('out', windows)
      counted.late.to('late', late)
    })
    expect(late.values).toEqual([])
    expect(windows.values.map(({ n }) => n)).toEqual([4, 1, 1, 2])
  })

  test('EN-091 EN-080 a split without new records no longer bounds the watermark after idleAfter', async () => {
    const platform = simPlatform({ seed: 1 })
    const windows = memory.write<{ n: number }>()
    const source = quietSource(['busy', 'quiet'])
    const { events } = await live(
      (p) =>
        p
          .from('n', source)
          .withTimestamps({ timestamp: (n) => n, idleAfter: 500 })
          .keyBy(() => 'all')
          .window(tumbling(100))
          .aggregate('w', { n: count() })
          .to('out', windows),
      {
        platform,
        isBounded: false,
        checkpoints: { everyMs: 50 },
        until: () => platform.clock.monotonic() > 2_000,
      },
    )
    expect(events.some((event) => event.kind === 'failed')).toBe(false)
    // The quiet split is ignored from 500 ms on; the busy one had reached 490 by then and continues.
    expect(windows.values.length).toBeGreaterThan(10)
  })

  test('EN-089 a late record is late at any batch boundary', async () => {
    const values = [0, 100, 200, 5, 300, 15, 400]
    const runs = await Promise.all(
      [1, 2, 3, 100].map(async (batchRecords) => {
        const late = memory.write<number>()
        const windows = memory.write<unknown>()
        await live(
          (p) => {
            const counted = p
              .from('n', memory.read({ all: values }))
              .withTimestamps({ timestamp: (n) => n })
              .keyBy(() => 'all')
              .window(tumbling(100))
              .aggregate('w', { n: count() })
            counted.to('out', windows)
            counted.late.to('late', late)
          },
          { batchRecords },
        )
        return { late: late.values, windows: windows.values.length }
      }),
    )
    expect(runs).toEqual(runs.map(() => ({ late: [5, 15], windows: 5 })))
  })
})

/** Unbounded: the first split brings a record every 10 ms, the others one at the start and then nothing. */
function quietSource(names: readonly string[]): Source<number, number> {
  return {
    kind: 'quiet',
    durability: 'replayable',
    discover: async () => ({ splits: names, isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      let next = from
      let due = clock.monotonic()
      const isBusy = split === names[0]
      return {
        poll: () => {
          if (clock.monotonic() < due || (!isBusy && next > 0)) return { kind: 'pending', isCaughtUp: true }
          due = clock.monotonic() + 10
          return { kind: 'records', values: [next++ * 10] }
        },
        ready: async () => {
          if (isBusy) await sleep(clock, Math.max(0, due - clock.monotonic()), signal)
          else
            await new Promise<void>((resolve) =>
              signal.addEventListener('abort', () => resolve(), { once: true }),
            )
        },
        position: () => next,
        close: async () => {},
      }
    },
  }
}
