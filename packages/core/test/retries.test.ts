import { memory } from '@millrace/connector-memory'
import type { DeadLetter } from '@millrace/core/operator'
import { deadLetter, type KeyedAsyncOptions } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sleep } from '@millrace/world'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

interface Call {
  readonly n: number
  readonly at: number
}

interface Calls extends SimulatedLife {
  readonly calls: readonly Call[]
  readonly values: readonly number[]
  /** The values of the dead letters, and the letters. */
  readonly letters: readonly string[]
  readonly wholeLetters: readonly DeadLetter[]
}

/** Calls a function for each number, by its remainder of 3 as the key, and notes when. */
async function calling(
  numbers: readonly number[],
  call: (n: number, platform: SimPlatform) => Promise<void> | void,
  options: KeyedAsyncOptions,
  life: LifeOptions & { readonly sink?: ReturnType<typeof memory.write<number>> } = {},
): Promise<Calls> {
  const { sink = memory.write<number>(), platform = simPlatform({ seed: 1 }), ...rest } = life
  const letters = memory.write<DeadLetter>()
  const calls: Call[] = []
  const begun = platform.clock.monotonic()
  const lived = await live(
    (p) =>
      p
        .from('n', pacedSource({ all: numbers }, 1_000))
        .keyBy((n) => n % 3)
        .mapAsync(
          'call',
          async (n) => {
            calls.push({ n, at: platform.clock.monotonic() - begun })
            await call(n, platform)
            return n
          },
          { onError: deadLetter('letters', letters), ...options },
        )
        .to('out', sink),
    { platform, ...rest },
  )
  return {
    ...lived,
    calls,
    values: sink.values,
    letters: letters.values.map(({ value }) => value!),
    wholeLetters: letters.values,
  }
}

function failingTimes(times: number): (n: number) => void {
  const left = new Map<number, number>()
  return (n) => {
    const rest = left.get(n) ?? times
    left.set(n, rest - 1)
    if (rest > 0) throw new Error(`${n} fails`)
  }
}

describe('a call that fails', () => {
  test('EN-244 is repeated after pauses that double, until it succeeds', async () => {
    const retry = { attempts: 5, firstDelay: 100, longestDelay: 300 }
    const { calls, values, letters } = await calling([0], failingTimes(4), { retry })
    expect(values).toEqual([0])
    expect(letters).toEqual([])
    const pauses = calls.slice(1).map(({ at }, i) => at - calls[i]!.at)
    const full = [100, 200, 300, 300]
    expect(pauses).toHaveLength(4)
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(full[i]! / 2)
      expect(pause).toBeLessThanOrEqual(full[i]! + 1)
    }
  })

  test('EN-244 follows the error policy once after the last attempt, or at once if no retry can help', async () => {
    const exhausted = await calling([0], failingTimes(9), { retry: { attempts: 3, firstDelay: 1 } })
    expect(exhausted.calls).toHaveLength(3)
    expect(exhausted.letters).toEqual(['0'])
    const retry = { retryIf: (error: unknown) => !(error instanceof Error && error.message === '0 fails') }
    const final = await calling([0], failingTimes(1), { retry })
    expect(final.calls).toHaveLength(1)
    expect(final.letters).toEqual(['0'])
  })

  test('delays its own key and no other', async () => {
    const failsOnce = failingTimes(1)
    const { calls, values } = await calling([0, 1, 3, 4], (n) => (n === 0 ? failsOnce(n) : undefined), {
      retry: { firstDelay: 1_000 },
      concurrency: 1,
    })
    expect(calls.map(({ n }) => n)).toEqual([0, 1, 4, 0, 3])
    expect(values.toSorted((a, b) => a - b)).toEqual([0, 1, 3, 4])
  })

  test('on a stream without keys is repeated also while all later results wait for it', async () => {
    const sink = memory.write<number>()
    const fails = failingTimes(2)
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    const { result } = await live((p) =>
      p
        .from('n', pacedSource({ all: numbers }, 1_000))
        .mapAsync(
          'call',
          async (n) => {
            if (n % 5 === 0) fails(n)
            return n
          },
          { concurrency: 2, retry: { firstDelay: 1_000 } },
        )
        .to('out', sink),
    )
    expect(result?.outcome).toBe('finished')
    expect(sink.values).toEqual(numbers)
  })

  test('EN-244 does not hold up a stop while it waits for its next attempt', async () => {
    const platform = simPlatform({ seed: 1 })
    let stoppedAt = 0
    const { result, calls } = await calling(
      [0],
      failingTimes(99),
      { retry: { attempts: 9, firstDelay: 600_000, longestDelay: 600_000 } },
      {
        platform,
        onEvent: (event, job) => {
          if (event.kind !== 'checkpointCompleted' || stoppedAt > 0) return
          stoppedAt = platform.clock.monotonic()
          void job.stop()
        },
      },
    )
    expect(result?.outcome).toBe('stopped')
    expect(calls.length).toBe(1)
    expect(platform.clock.monotonic() - stoppedAt).toBeLessThan(10_000)
  })

  test('keeps its attempts over a restart of the process', async () => {
    const retry = { attempts: 4, firstDelay: 10_000, longestDelay: 10_000 }
    const fails = failingTimes(99)
    const platform = simPlatform({ seed: 1 })
    const first = await calling(
      [0],
      fails,
      { retry },
      {
        platform,
        onEvent: (event, job) => {
          if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 150) void job.stop()
        },
      },
    )
    expect(first.calls).toHaveLength(2)
    const second = await calling([0], fails, { retry }, { platform: nextLife(platform) })
    expect(second.calls).toHaveLength(2)
    expect(second.letters).toEqual(['0'])
    expect(second.wholeLetters).toMatchObject([
      { source: 'events', split: 'all', position: 'index 0', key: '0', attempts: 4 },
    ])
  })

  test('EN-244 emits each record once and each key in order, for any failures and stops', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 }),
        fc.record({
          concurrency: fc.integer({ min: 1, max: 5 }),
          failures: fc.integer({ min: 1, max: 6 }),
          openFor: fc.integer({ min: 1, max: 200 }),
        }),
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
        fc.integer({ min: 1, max: 1_000 }),
        async (failures, { concurrency, failures: most, openFor }, stops, seed) => {
          const numbers = failures.map((_, n) => n)
          const left = [...failures]
          const sink = memory.write<number>()
          let platform = simPlatform({ seed })
          for (const stopAt of [...stops, undefined]) {
            let checkpoints = 0
            await calling(
              numbers,
              async (n, { clock }) => {
                await sleep(clock, n % 4)
                if (left[n]!-- > 0) throw new Error(`${n} fails`)
              },
              {
                concurrency,
                retry: { attempts: 50, firstDelay: 1, longestDelay: 20 },
                breaker: { failures: most, openFor },
              },
              {
                sink,
                platform,
                checkpoints: { everyMs: 7 },
                onEvent: (event, job) => {
                  if (event.kind === 'checkpointCompleted' && ++checkpoints === stopAt) void job.stop()
                },
              },
            )
            platform = nextLife(platform, seed + checkpoints + 1)
          }
          for (const key of [0, 1, 2]) {
            const isKey = (n: number): boolean => n % 3 === key
            expect(sink.values.filter(isKey)).toEqual(numbers.filter(isKey))
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('a breaker', () => {
  const rules = {
    retry: { attempts: 3, firstDelay: 1 },
    breaker: { failures: 4, openFor: 1_000 },
    concurrency: 8,
  }

  test('EN-247 pauses calls while the system is down, probes one at a time, then resumes all; no record fails', async () => {
    const numbers = Array.from({ length: 60 }, (_, n) => n)
    const downUntil = 5_500
    const { calls, values, letters, events } = await calling(
      numbers,
      (_, { clock }) => {
        if (clock.monotonic() < downUntil) throw new Error('connection refused')
      },
      rules,
    )
    expect(values.toSorted((a, b) => a - b)).toEqual(numbers)
    expect(letters).toEqual([])
    // One call for each second in which it was down, after those that had opened it.
    const probes = calls.filter(({ at }) => at > 100 && at < downUntil)
    expect(probes.length).toBeGreaterThanOrEqual(4)
    expect(probes.length).toBeLessThanOrEqual(6)
    const states = events.flatMap((event) => (event.kind === 'breaker' ? [event.state] : []))
    expect(states.slice(0, 3)).toEqual(['open', 'half-open', 'open'])
    expect(states.slice(-2)).toEqual(['half-open', 'closed'])
    expect(states.filter((state) => state === 'closed')).toHaveLength(1)
    expect(events).toContainEqual(expect.objectContaining({ kind: 'outage', part: 'call' }))
    expect(events).toContainEqual(expect.objectContaining({ kind: 'recovered', part: 'call' }))
  })

  test('is not opened by records that fail for good among others that succeed', async () => {
    const numbers = Array.from({ length: 30 }, (_, n) => n)
    const { letters, events } = await calling(
      numbers,
      (n) => {
        if (n % 10 === 3) throw new Error('poison')
      },
      { ...rules, concurrency: 1 },
    )
    expect(letters.toSorted()).toEqual(['13', '23', '3'])
    expect(events.filter(({ kind }) => kind === 'breaker')).toEqual([])
  })

  test('without retry is rejected', async () => {
    await expect(calling([0], () => {}, { breaker: {} })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(calling([0], () => {}, { retry: { attempts: 0 } })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })
})
