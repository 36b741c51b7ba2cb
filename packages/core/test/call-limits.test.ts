import { memory } from '@millrace/connector-memory'
import { sleep } from '@millrace/world'
import { skip, type AsyncOptions } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions } from './simulated-job.ts'

interface Calls {
  /** When each call began, in ms, and for which number. */
  readonly calls: readonly { readonly n: number; readonly at: number }[]
  readonly values: readonly string[]
  readonly outcome: string | undefined
}

/** Calls a function for each number from 0, all of which are there at once. */
async function calling(
  count: number,
  call: (n: number, platform: SimPlatform, signal: AbortSignal) => Promise<string> | string,
  options: AsyncOptions<number, string>,
  {
    platform = simPlatform({ seed: 1 }),
    splits = 1,
    ...life
  }: LifeOptions & { readonly splits?: number } = {},
): Promise<Calls> {
  const sink = memory.write<string>()
  const calls: { readonly n: number; readonly at: number }[] = []
  const numbers = Array.from({ length: count }, (_, n) => n)
  const inSplits = Object.fromEntries(
    Array.from({ length: splits }, (_, split) => [`${split}`, numbers.filter((n) => n % splits === split)]),
  )
  const { result } = await live(
    (p) =>
      p
        .from('n', pacedSource(inSplits, 1_000))
        .mapAsync(
          'call',
          async (n, signal) => {
            calls.push({ n, at: platform.clock.monotonic() })
            return call(n, platform, signal)
          },
          options,
        )
        .to('out', sink),
    { platform, ...life },
  )
  return { calls, values: sink.values, outcome: result?.outcome }
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `n${n}`)

describe('a rate', () => {
  test.each([1, 2])(
    'of ten calls in a second bounds the calls of %i subtasks together',
    async (parallelism) => {
      const rate = { calls: 10 }
      // So many that each subtask has some.
      const { calls, values } = await calling(48, (n) => `n${n}`, { rate }, { parallelism, splits: 8 })
      expect(values.toSorted()).toEqual(names(48).toSorted())
      const begun = calls[0]!.at
      for (const [i, { at }] of calls.entries()) {
        // After a burst of ten, one each 100 ms on average.
        expect(at - begun).toBeGreaterThanOrEqual((i - 9) * 100 - 1)
      }
      expect(calls.at(-1)!.at - begun).toBeLessThan(10_000)
    },
  )

  test('below one call of each subtask still lets every record through', async () => {
    const { values } = await calling(
      4,
      (n) => `n${n}`,
      { rate: { calls: 1, per: '2s' } },
      { parallelism: 3, splits: 6 },
    )
    expect(values.toSorted()).toEqual(names(4))
  })
})

describe('a bulkhead', () => {
  const isSlow = (n: number): boolean => n % 4 === 0
  const slowly = async (n: number, { clock }: SimPlatform): Promise<string> => {
    await sleep(clock, isSlow(n) ? 2_000 : 10)
    return `n${n}`
  }

  test('bounds the calls of a slow group at once, and the other groups are done meanwhile', async () => {
    const ended = new Map<number, number>()
    let [running, most] = [0, 0]
    const { calls, values } = await calling(
      24,
      async (n, platform) => {
        if (isSlow(n)) most = Math.max(most, ++running)
        const result = await slowly(n, platform)
        if (isSlow(n)) running--
        ended.set(n, platform.clock.monotonic())
        return result
      },
      { concurrency: 4, order: 'none', bulkhead: { by: (n) => isSlow(n), concurrency: 2 } },
    )
    expect(values.toSorted()).toEqual(names(24).toSorted())
    expect(most).toBe(2)
    const quick = [...ended].filter(([n]) => !isSlow(n)).map(([, at]) => at - calls[0]!.at)
    expect(Math.max(...quick)).toBeLessThan(1_000)
  })

  test('keeps what waits for its group in the checkpoint, in order, and each record counts once', async () => {
    const options = { concurrency: 4, bulkhead: { by: isSlow, concurrency: 1 } }
    const platform = simPlatform({ seed: 1 })
    const first = await calling(24, slowly, options, {
      platform,
      checkpoints: { everyMs: 1_000 },
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 5) void job.stop()
      },
    })
    expect(first.outcome).toBe('stopped')
    const second = await calling(24, slowly, options, { platform: nextLife(platform) })
    expect(second.outcome).toBe('finished')
    // A call that was aborted by the stop is made again.
    expect(second.calls.length).toBeLessThan(24)
    expect([...first.values, ...second.values]).toEqual(names(24))
  })

  test.each([1, 2])('bounds the rate of each group, over %i subtasks together', async (parallelism) => {
    const { calls } = await calling(
      60,
      (n) => `n${n}`,
      { order: 'none', bulkhead: { by: (n) => n % 2, rate: { calls: 4 } } },
      { parallelism },
    )
    for (const group of [0, 1]) {
      const times = calls.filter(({ n }) => n % 2 === group).map(({ at }) => at)
      for (const [i, at] of times.entries()) {
        expect(at - times[0]!).toBeGreaterThanOrEqual((i - 3) * 250 - 1)
      }
      // Thirty calls, four of them at once.
      expect(times.at(-1)! - times[0]!).toBeLessThan(15_000)
    }
  })

  test('by key has the whole rate in the one subtask of a key', async () => {
    const platform = simPlatform({ seed: 1 })
    const times: number[] = []
    await live(
      (p) =>
        p
          .from('n', pacedSource({ all: Array.from({ length: 20 }, (_, n) => n) }, 1_000))
          .keyBy(() => 'all')
          .mapAsync(
            'call',
            async (n) => {
              times.push(platform.clock.monotonic())
              return n
            },
            { bulkhead: { rate: { calls: 10 } } },
          )
          .to('out', memory.write<number>()),
      { platform, parallelism: 2 },
    )
    expect(times).toHaveLength(20)
    expect(times.at(-1)! - times[0]!).toBeLessThan(1_100)
  })

  test('follows the error policy with a record that has no group', async () => {
    const by = (n: number): string => {
      if (n === 1) throw new Error('no tenant')
      return 'some'
    }
    const { values, outcome } = await calling(3, (n) => `n${n}`, {
      bulkhead: { by, concurrency: 1 },
      onError: skip(),
    })
    expect(outcome).toBe('finished')
    expect(values).toEqual(['n0', 'n2'])
  })
})

describe('hedgeAfter', () => {
  test('makes a second call for a record whose first takes longer, and aborts the slower', async () => {
    const aborted: number[] = []
    let isFirst = true
    const { calls, values } = await calling(
      1,
      async (n, { clock }, signal) => {
        const ms = isFirst ? 10_000 : 20
        isFirst = false
        signal.addEventListener('abort', () => aborted.push(ms))
        await sleep(clock, ms)
        return `n${n}`
      },
      { hedgeAfter: 100 },
    )
    expect(values).toEqual(['n0'])
    expect(calls.map(({ at }) => at - calls[0]!.at)).toEqual([0, 100])
    expect(aborted[0]).toBe(10_000)
  })

  test('makes no second call for a record whose first ends in time, or fails in time', async () => {
    const { calls, values, outcome } = await calling(
      2,
      async (n, { clock }) => {
        await sleep(clock, 50)
        if (n === 1) throw new Error('no such row')
        return `n${n}`
      },
      { hedgeAfter: 100, fallback: () => 'none' },
    )
    expect(calls).toHaveLength(2)
    expect(values).toEqual(['n0', 'none'])
    expect(outcome).toBe('finished')
  })

  test('fails a record only when both of its calls have failed', async () => {
    const fails = (isSecond: boolean) => {
      let calls = 0
      return calling(
        1,
        async (n, { clock }) => {
          const isLater = ++calls === 2
          await sleep(clock, 150)
          if (!isLater || isSecond) throw new Error('timed out')
          return `n${n}`
        },
        { hedgeAfter: 100, fallback: (_, error) => String(error) },
      )
    }
    expect((await fails(false)).values).toEqual(['n0'])
    expect((await fails(true)).values).toEqual(['Error: timed out'])
  })
})

describe('fallback', () => {
  test('gives the result of a record once its attempts are used up', async () => {
    const { calls, values } = await calling(
      2,
      (n) => {
        if (n === 0) throw new Error('down')
        return `n${n}`
      },
      { retry: { attempts: 3, firstDelay: 1 }, fallback: (n) => `default of ${n}` },
    )
    expect(calls.filter(({ n }) => n === 0)).toHaveLength(3)
    expect(values).toEqual(['default of 0', 'n1'])
  })

  test('that throws fails the record', async () => {
    const fallback = (): string => {
      throw new Error('no default')
    }
    const { outcome } = await calling(1, () => Promise.reject(new Error('down')), { fallback })
    expect(outcome).toBe('failed')
  })
})

const one = (): number => 1

test.each([
  [{ rate: { calls: 0 } }, "rate.calls of 'call' is 0; give a whole number from 1"],
  [{ rate: { calls: 1, every: '1s' } }, 'every'],
  [{ hedgeAfter: '0s' }, "hedgeAfter of 'call'"],
  [{ bulkhead: { concurrency: 2 } }, 'does not say what the group of a record is; give by'],
  [{ bulkhead: { by: one } }, "bulkhead of 'call' has no limit"],
  [{ bulkhead: { by: one, concurrency: 16 } }, 'has no effect, because all groups together have 16'],
  [{ bulkhead: { by: one, rate: { calls: 0.5 } } }, "bulkhead.rate.calls of 'call' is 0.5"],
  [{ bulkhead: { key: () => 1 } }, "bulkhead of 'call' has no option key"],
] as const)('%j is refused when the pipeline is built', async (options, message) => {
  await expect(calling(0, () => '', options as AsyncOptions<number, string>)).rejects.toThrow(message)
})
