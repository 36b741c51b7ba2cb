import { memory } from '@millrace/connector-memory'
import { sleep } from '@millrace/world'
import type { AsyncOptions } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, type LifeOptions } from './simulated-job.ts'

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
  life: LifeOptions = {},
): Promise<Calls> {
  const platform = simPlatform({ seed: 1 })
  const sink = memory.write<string>()
  const calls: { readonly n: number; readonly at: number }[] = []
  const numbers = Array.from({ length: count }, (_, n) => n)
  const { result } = await live(
    (p) =>
      p
        .from('n', pacedSource({ all: numbers }, 1_000))
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
      const { calls, values } = await calling(45, (n) => `n${n}`, { rate: { calls: 10 } }, { parallelism })
      expect(values.toSorted()).toEqual(names(45).toSorted())
      const begun = calls[0]!.at
      for (const [i, { at }] of calls.entries()) {
        // After a burst of ten, one each 100 ms on average.
        expect(at - begun).toBeGreaterThanOrEqual((i - 9) * 100 - 1)
      }
      expect(calls.at(-1)!.at - begun).toBeLessThan(10_000)
    },
  )

  test('below one call of each subtask still lets every record through', async () => {
    const { values } = await calling(4, (n) => `n${n}`, { rate: { calls: 1, per: '1m' } }, { parallelism: 3 })
    expect(values.toSorted()).toEqual(names(4))
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

test.each([
  [{ rate: { calls: 0 } }, "rate.calls of 'call' is 0; give a whole number from 1"],
  [{ rate: { calls: 1, every: '1s' } }, 'every'],
  [{ hedgeAfter: '0s' }, "hedgeAfter of 'call'"],
] as const)('%j is refused when the pipeline is built', async (options, message) => {
  await expect(calling(0, () => '', options as AsyncOptions<number, string>)).rejects.toThrow(message)
})
