import { ManualClock } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asyncRecord } from '../../test/async-record.ts'
import type { RateRules } from '../graph/node.ts'
import { AsyncCalls, type AsyncCall } from './async-calls.ts'
import { Bulkhead } from './bulkhead.ts'

const drawn = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  order: fc.constantFrom('input' as const, 'none' as const),
  ofGroup: fc.constantFrom(1, 2, 3, Infinity),
  rate: fc.option(fc.record({ calls: fc.integer({ min: 1, max: 4 }), perMs: fc.constantFrom(10, 100) }), {
    nil: undefined,
  }),
  groups: fc.array(fc.nat(3), { maxLength: 60 }),
  dice: fc.infiniteStream(fc.nat()),
})

interface Attempt {
  readonly n: number
  /** When it began. */
  readonly at: number
}

/** The records of a group begin in order, and no more in any time than its rate allows. */
function expectLimits(attempts: readonly Attempt[], rate: RateRules | undefined): void {
  const first = attempts.filter(({ n }, i) => attempts.findIndex((other) => other.n === n) === i)
  expect(first).toEqual(first.toSorted((a, b) => a.n - b.n))
  if (rate === undefined) return
  for (const [i, { at }] of attempts.entries()) {
    for (const [k, since] of attempts.slice(0, i).entries()) {
      const allowed = rate.calls + ((at - since.at) * rate.calls) / rate.perMs
      expect(i - k + 1).toBeLessThanOrEqual(allowed + 1e-6)
    }
  }
}

describe('Bulkhead', () => {
  test('for any limits, groups and outcomes: limits hold, groups are in order, all end', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async ({ concurrency, order, ofGroup, rate, groups, dice }) => {
        const roll = (sides: number): number => (dice.next().value as number) % sides
        const clock = new ManualClock()
        const rules = { by: undefined, concurrency: ofGroup, rate }
        const bulkhead = new Bulkhead<AsyncCall>({ rules, clock, share: 1, wake: () => {} })
        const calls = new AsyncCalls({ concurrency, serial: 'none', order }, bulkhead)
        const running: AsyncCall[] = []
        const paused: AsyncCall[] = []
        const begun = [0, 1, 2, 3].map((): Attempt[] => [])
        const left: number[] = []
        const runningOf = (group: unknown): number => running.filter((call) => call.group === group).length
        const beginAll = (): void => {
          for (let call = calls.begin(); call !== undefined; call = calls.begin()) {
            running.push(call)
            begun[call.group as number]!.push({ n: call.value as number, at: clock.monotonic() })
          }
        }
        for (const [n, group] of groups.entries()) calls.add(asyncRecord(n, { group }))
        for (let turns = 0; left.length < groups.length; turns++) {
          // No group waits without end.
          expect(turns).toBeLessThan(20_000)
          beginAll()
          if (paused.length > 0 && roll(3) === 0) calls.resume(paused.splice(roll(paused.length), 1)[0]!)
          beginAll()
          expect(running.length).toBeLessThanOrEqual(concurrency)
          for (const group of [0, 1, 2, 3]) expect(runningOf(group)).toBeLessThanOrEqual(ofGroup)
          await clock.advance(roll(20))
          if (running.length > 0 && roll(3) > 0) {
            const [call] = running.splice(roll(running.length), 1)
            if (roll(5) > 0) calls.settle(call!, { result: undefined })
            else {
              calls.pause(call!)
              paused.push(call!)
            }
          }
          for (let call = calls.next(); call !== undefined; call = calls.next()) {
            calls.remove(call)
            left.push(call.value as number)
          }
        }
        expect(left.toSorted((a, b) => a - b)).toEqual(groups.map((_, n) => n))
        if (order === 'input') expect(left).toEqual(groups.map((_, n) => n))
        for (const attempts of begun) expectLimits(attempts, rate)
      }),
    )
  })

  test('a group at its limit leaves the places that are free to the oldest calls of other groups', () => {
    const rules = { by: undefined, concurrency: 1, rate: undefined }
    const bulkhead = new Bulkhead<AsyncCall>({ rules, clock: new ManualClock(), share: 1, wake: () => {} })
    const calls = new AsyncCalls({ concurrency: 3, serial: 'none', order: 'none' }, bulkhead)
    for (const [n, group] of ['a', 'a', 'a', 'b', 'c', 'd'].entries()) calls.add(asyncRecord(n, { group }))
    const begun = [calls.begin(), calls.begin(), calls.begin()]
    expect(begun.map((call) => call?.value)).toEqual([0, 3, 4])
    calls.settle(begun[0]!, { result: 0 })
    calls.remove(calls.next()!)
    expect(calls.begin()?.value).toBe(1)
  })

  test('groups are forgotten once they have no call and their bucket is full', async () => {
    const clock = new ManualClock()
    const rules = { by: undefined, concurrency: Infinity, rate: { calls: 1, perMs: 1_000 } }
    const bulkhead = new Bulkhead<AsyncCall>({ rules, clock, share: 1, wake: () => {} })
    const calls = new AsyncCalls({ concurrency: 3, serial: 'none', order: 'none' }, bulkhead)
    let most = 0
    for (let n = 0; n < 20_000; n++) {
      calls.add(asyncRecord(n, { group: n }))
      const call = calls.begin()!
      calls.settle(call, { result: n })
      calls.remove(call)
      if (n % 50 === 49) await clock.advance(50)
      most = Math.max(most, bulkhead.groups)
    }
    // A thousand of them have used their token in the last second.
    expect(most).toBeLessThan(3_000)
  })
})
