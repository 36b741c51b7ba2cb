import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { MillraceError } from '@millrace/core'
import { sleep } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batches, measuring } from './measuring.ts'

/** A sink that keeps what it is given, and whose call with batch number `stallAt` never ends. */
function stalling(stallAt: number, given: number[]): Sink<number> {
  return {
    kind: 'stalling',
    guarantee: 'at-least-once',
    open: async (_subtask, _pending, { signal }) => ({
      write: (batch) => {
        given.push(batch.length)
        if (given.length < stallAt) return
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('the job ends')), { once: true })
        })
      },
      prepare: async () => undefined,
      close: async () => {},
    }),
  }
}

describe('queue lengths', () => {
  test.each([
    // Four batches have room before a task; the source does not read the sixth.
    [[5, 5, 5, 5, 5, 5], 1, 20],
    [[1, 2, 3, 4, 5, 6, 7], 3, 22],
    [[8], 1, 0],
  ])(
    'a sink that was given batches of %j and stalls at number %i: %i records wait',
    async (sizes, at, waiting) => {
      const given: number[] = []
      await measuring(
        (p) => {
          p.from('numbers', batches(sizes)).to('out', stalling(at, given))
        },
        ({ measured, platform, operator, metric }) => {
          if (platform.clock.monotonic() < 100) return false
          const queued = new Map(measured.figures().tasks.map((each) => [each.task, each.queued]))
          expect(given).toEqual(sizes.slice(0, at))
          expect(Object.fromEntries(queued)).toEqual({ numbers: 0, out: waiting })
          expect(operator('numbers').recordsOut).toBe(given.reduce((sum, each) => sum + each, waiting))
          expect(metric('millrace_task_queued_records out')).toBe(waiting)
          return true
        },
      )
    },
  )

  test('with any batches and any stalled call: what was read and not written', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (all, n) => {
        const at = 1 + (n % all.length)
        const given: number[] = []
        const sum = (list: readonly number[]): number => list.reduce((total, each) => total + each, 0)
        await measuring(
          (p) => {
            p.from('numbers', batches(all)).to('out', stalling(at, given))
          },
          ({ measured, platform }) => {
            if (platform.clock.monotonic() < 100) return false
            expect(measured.figures().tasks.find(({ task }) => task === 'out')!.queued).toBe(
              sum(all) - sum(given),
            )
            return true
          },
          { edgeBatches: 32, batchRecords: 64 },
        )
      }),
      { numRuns: 20 },
    )
  })
})

describe('restarts', () => {
  test('a failure that is planted a known number of times is counted as often, and counts begin again', async () => {
    const planted = [3, 9, 9, 14]
    const left = [...planted]
    const seen: number[] = []
    let opens = 0
    let handled = 0
    await measuring(
      (p) => {
        const source = batches(
          Array.from({ length: 20 }, () => 1),
          () => {
            opens++
            handled = 0
          },
        )
        p.from('numbers', source)
          .map(
            (n) => {
              handled++
              if (opens <= planted.length && handled === left[0]) {
                left.shift()
                throw new Error('planted')
              }
              return n
            },
            { name: 'step' },
          )
          .to('out', memory.write())
      },
      ({ measured, operator, metric, platform }) => {
        const { restarts, phase } = measured.overview()
        const failures = planted.length - left.length
        // The restart is counted when it begins, soon after the failure.
        expect([failures - 1, failures]).toContain(restarts)
        if (phase !== 'running') return platform.clock.monotonic() > 600_000
        expect(restarts).toBe(failures)
        expect(metric('millrace_job_restarts_total')).toBe(failures)
        expect(operator('step').recordsIn).toBe(handled)
        if (seen.at(-1) !== restarts) seen.push(restarts)
        return restarts === planted.length && handled > 0 && operator('out').recordsIn > 10
      },
      {
        checkpoints: { everyMs: 1_000_000 },
        restart: { kind: 'fixed', attempts: 10, delayMs: 50 },
      },
    )
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })
})

/** One call of the stub, in milliseconds of the clock. */
interface Call {
  readonly at: number
  endedAt: number
  readonly succeeds: boolean
}

/** What a breaker does after these calls, one after the other: computed from the log of the calls alone. */
function statesOf(
  calls: readonly Call[],
  now: number,
  rules: { readonly failures: number; readonly openMs: number },
): ReadonlySet<string> {
  type State = 'closed' | 'open' | 'trying'
  const changes: { readonly state: State; readonly at: number }[] = []
  const become = (state: State, at: number): void => void changes.push({ state, at })
  const latest = (): { readonly state: State; readonly at: number } =>
    changes.at(-1) ?? { state: 'closed', at: Number.NEGATIVE_INFINITY }
  const tryAgain = (): void => {
    const { state, at } = latest()
    if (state === 'open' && at + rules.openMs <= now) become('trying', at + rules.openMs)
  }
  let inARow = 0
  for (const { endedAt, succeeds } of calls.filter((call) => call.endedAt <= now)) {
    tryAgain()
    inARow = succeeds ? 0 : inARow + 1
    if (latest().state === 'trying') become(succeeds ? 'closed' : 'open', endedAt)
    else if (inARow === rules.failures) become('open', endedAt)
  }
  tryAgain()
  // At the very moment of a change either is right.
  const before = changes.findLast(({ at }) => at < now)?.state ?? 'closed'
  return new Set(latest().at === now ? [before, latest().state] : [latest().state])
}

describe('breaker state', () => {
  test.each([
    { down: [[20, 1_000]], failures: 3, openMs: 100, openings: 2 },
    {
      down: [
        [0, 400],
        [600, 650],
        [700, 2_000],
      ],
      failures: 4,
      openMs: 70,
      openings: 3,
    },
  ])('equals what the log of the called stub says: %j', async ({ down, failures, openMs, openings }) => {
    const calls: Call[] = []
    const shown = new Map<string, number>()
    let opened = 0
    let last: string | null = null
    await measuring(
      (p, clock) => {
        p.from('numbers', batches(Array.from({ length: 300 }, () => 1)))
          .mapAsync(
            'call',
            async (n) => {
              const at = clock.monotonic()
              const succeeds = down.every(([from, until]) => at < from! || at >= until!)
              const call = { at, endedAt: Number.POSITIVE_INFINITY, succeeds }
              calls.push(call)
              await sleep(clock, 5.5)
              call.endedAt = clock.monotonic()
              if (!succeeds) throw new MillraceError('UNAVAILABLE', 'connection refused')
              return n
            },
            {
              concurrency: 1,
              retry: { attempts: 1_000, firstDelay: 1, longestDelay: 1 },
              breaker: { failures, openFor: openMs },
            },
          )
          .to('out', memory.write())
      },
      ({ operator, platform, metric }) => {
        const now = platform.clock.monotonic()
        const { breaker, retries } = operator('call')
        // Null while the system can be reached, and until the breaker opens for the first time.
        expect([now, [...statesOf(calls, now, { failures, openMs })]]).toEqual([
          now,
          expect.arrayContaining([breaker ?? 'closed']),
        ])
        const isOpen = breaker === 'open' || breaker === 'trying'
        expect(metric('millrace_operator_breaker_open call')).toBe(
          breaker === null ? undefined : Number(isOpen),
        )
        const failed = calls.filter(({ endedAt, succeeds }) => endedAt <= now && !succeeds).length
        expect(retries).toBe(failed)
        if (breaker === 'open' && last !== 'open') opened++
        last = breaker
        shown.set(breaker ?? 'closed', (shown.get(breaker ?? 'closed') ?? 0) + 1)
        return operator('out').recordsIn === 300
      },
    )
    expect([...shown.keys()].toSorted()).toEqual(['closed', 'open', 'trying'])
    expect(opened).toBeGreaterThanOrEqual(openings)
  })
})
