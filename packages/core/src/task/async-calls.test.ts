import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asyncRecord } from '../../test/async-record.ts'
import { AsyncCalls, type AsyncCall, type CallRules } from './async-calls.ts'

function beginAll(calls: AsyncCalls): AsyncCall[] {
  const begun: AsyncCall[] = []
  for (let call = calls.begin(); call !== undefined; call = calls.begin()) begun.push(call)
  return begun
}

function leaveAll(calls: AsyncCalls): unknown[] {
  const left: unknown[] = []
  for (let call = calls.next(); call !== undefined; call = calls.next()) {
    left.push(call.value)
    calls.remove(call)
  }
  return left
}

const valuesOf = (calls: readonly AsyncCall[]): unknown[] => calls.map((call) => call.value)

/** Every record has left once, and begun and left in the order that the rules promise. */
function expectOrders(
  rule: CallRules,
  keys: readonly number[],
  { begun, left }: Readonly<Record<'begun' | 'left', readonly number[]>>,
): void {
  expect(left.toSorted((a, b) => a - b)).toEqual(keys.map((_, n) => n))
  if (rule.order === 'input') expect(left).toEqual(keys.map((_, n) => n))
  for (const key of new Set(keys)) {
    const ofKey = (n: number): boolean => keys[n] === key
    const inOrder = keys.map((_, n) => n).filter(ofKey)
    if (rule.serial === 'key') expect(begun.filter(ofKey)).toEqual(inOrder)
    if (rule.order === 'key') expect(left.filter(ofKey)).toEqual(inOrder)
  }
}

describe('AsyncCalls', () => {
  test('one call of each key runs at a time, and others pass the records that wait for it', () => {
    const calls = new AsyncCalls({ concurrency: 3, serial: 'key', order: 'key' })
    for (const [n, key] of ['a', 'a', 'a', 'b', 'a', 'c', 'd'].entries()) calls.add(asyncRecord(n, { key }))
    const begun = beginAll(calls)
    expect(valuesOf(begun)).toEqual([0, 3, 5])
    calls.settle(begun[0]!, { result: 0 })
    expect(valuesOf(beginAll(calls))).toEqual([])
    expect(leaveAll(calls)).toEqual([0])
    // The oldest that may begin does.
    expect(valuesOf(beginAll(calls))).toEqual([1])
  })

  test('with serial none the calls of one key run at once, and their results leave in order', () => {
    const calls = new AsyncCalls({ concurrency: 3, serial: 'none', order: 'key' })
    for (const [n, key] of ['a', 'a', 'b'].entries()) calls.add(asyncRecord(n, { key }))
    const begun = beginAll(calls)
    expect(valuesOf(begun)).toEqual([0, 1, 2])
    for (const call of begun.toReversed()) calls.settle(call, { result: undefined })
    expect(leaveAll(calls)).toEqual([2, 0, 1])
    expect(calls.isEmpty).toBe(true)
  })

  test('a record with a lower watermark lowers the watermark of earlier ones', () => {
    const calls = new AsyncCalls({ concurrency: 3, serial: 'none', order: 'none' })
    for (const watermark of [5, 100, 200, 50, 70]) calls.add(asyncRecord(watermark))
    const leaving: unknown[] = []
    for (const call of beginAll(calls)) {
      leaving.push(calls.watermark)
      calls.settle(call, { result: undefined })
      leaveAll(calls)
    }
    expect([...leaving, calls.watermark]).toEqual([5, 50, 50, 50])
  })

  test('results that wait for the oldest record leave it a call when it is repeated', () => {
    for (const [order, key] of [
      ['input', undefined],
      ['key', 'a'],
    ] as const) {
      const calls = new AsyncCalls({ concurrency: 2, serial: 'none', order })
      for (let n = 0; n < 4; n++) calls.add(asyncRecord(n, { key }))
      const [failed, second] = beginAll(calls)
      calls.pause(failed!)
      calls.settle(second!, { result: 1 })
      const [third] = beginAll(calls)
      calls.settle(third!, { result: 2 })
      // Nothing leaves before record 0, and no later call begins meanwhile.
      expect(valuesOf(beginAll(calls))).toEqual([])
      calls.resume(failed!)
      expect(beginAll(calls)).toEqual([failed])
      calls.settle(failed!, { result: 0 })
      expect(leaveAll(calls)).toEqual([0, 1, 2])
    }
  })

  test('for any keys, rules, repeats and order of outcomes: bounds hold, orders hold, every record leaves once', () => {
    const rules: fc.Arbitrary<CallRules> = fc.record({
      concurrency: fc.integer({ min: 1, max: 5 }),
      serial: fc.constantFrom('key', 'none'),
      order: fc.constantFrom('key', 'input', 'none'),
    })
    fc.assert(
      fc.property(
        rules,
        fc.array(fc.nat(3), { maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (rule, keys, dice) => {
          const calls = new AsyncCalls(rule)
          const running: AsyncCall[] = []
          const paused: AsyncCall[] = []
          const begun: number[] = []
          const left: number[] = []
          const roll = (sides: number): number => (dice.next().value as number) % sides
          let added = 0
          let ended = 0
          const begin = (): void => {
            for (const call of beginAll(calls)) {
              running.push(call)
              if (!begun.includes(call.value as number)) begun.push(call.value as number)
            }
          }
          while (left.length < keys.length) {
            for (let n = roll(4); n > 0 && added < keys.length; n--) {
              calls.add(asyncRecord(added, { key: `k${keys[added]}` }))
              added++
            }
            begin()
            if (paused.length > 0 && roll(3) === 0) calls.resume(paused.splice(roll(paused.length), 1)[0]!)
            begin()
            // The oldest record may begin besides.
            expect(running.length + ended - left.length).toBeLessThanOrEqual(rule.concurrency + 1)
            expect(calls.running).toBe(running.length)
            expect(running.length).toBeLessThanOrEqual(rule.concurrency)
            // The calls never come to a halt: one runs, will be repeated, or is still to come.
            expect(running.length + paused.length + keys.length - added).toBeGreaterThan(0)
            const runningKeys = running.map((call) => call.key)
            if (rule.serial === 'key') expect(new Set(runningKeys).size).toBe(running.length)
            if (running.length > 0) {
              const [call] = running.splice(roll(running.length), 1)
              if (roll(4) > 0) {
                calls.settle(call!, { result: undefined })
                ended++
              } else {
                calls.pause(call!)
                paused.push(call!)
              }
            }
            for (let call = calls.next(); call !== undefined; call = calls.next()) {
              calls.remove(call)
              left.push(call.value as number)
            }
            const gone = new Set(left)
            const oldest = Array.from({ length: added }, (_, n) => n).find((n) => !gone.has(n))
            expect(calls.watermark).toBe(oldest)
          }
          expect(calls.isEmpty).toBe(true)
          expectOrders(rule, keys, { begun, left })
        },
      ),
    )
  })
})
