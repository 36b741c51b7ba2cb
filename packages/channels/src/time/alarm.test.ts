import { expect, test } from 'vitest'
import { upTo } from '../../test/probe.ts'
import { ManualClock } from '@millrace/world'
import { Alarm } from './alarm.ts'

test('GO-150 an alarm with a delay of zero or less calls back soon, but not while it is being set', async () => {
  const clock = new ManualClock()
  const calls: number[] = []
  const alarms = [0, -1].map((delayMs) => new Alarm(clock, delayMs, () => calls.push(delayMs)))
  expect([calls, alarms.every((alarm) => alarm.isSet)]).toEqual([[], true])
  await clock.advance(0)
  expect([calls, alarms.some((alarm) => alarm.isSet)]).toEqual([[0, -1], false])
})

test('GO-152 ten alarms without delay, each set by the callback of the previous one, all call back', async () => {
  const clock = new ManualClock()
  let depth = 0
  const next = (): void => {
    depth += 1
    if (depth < 10) new Alarm(clock, 0, next)
  }
  new Alarm(clock, 0, next)
  await clock.advance(0)
  expect([depth, clock.pending]).toEqual([10, 0])
})

test('GO-153 alarms call back in the order of their deadlines, and for equal deadlines in the order they were set', async () => {
  const clock = new ManualClock()
  const slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0]
  const calls: [slot: number, index: number][] = []
  for (const [index, slot] of slots.entries()) new Alarm(clock, slot * 10, () => calls.push([slot, index]))
  await clock.advance(100)
  expect(calls).toEqual([...slots.entries()].map(([i, slot]) => [slot, i]).toSorted((a, b) => a[0]! - b[0]!))
})

test('GO-154 stop prevents the callback and returns true; a second stop returns false', async () => {
  const clock = new ManualClock()
  const alarm = new Alarm(clock, 10, () => expect.unreachable())
  const longer = new Alarm(clock, 20, () => undefined)
  expect([alarm.stop(), alarm.stop(), alarm.isSet]).toEqual([true, false, false])
  await clock.advance(30)
  expect([longer.isSet, longer.stop(), clock.pending]).toEqual([false, false, 0])
})

test('GO-155 reset moves a pending alarm and returns true; after the callback it sets the alarm again and returns false', async () => {
  const clock = new ManualClock()
  const calls: number[] = []
  const alarm = new Alarm(clock, 10, () => calls.push(clock.now()))
  await clock.advance(5)
  expect(alarm.reset(10)).toBe(true)
  await clock.advance(9)
  expect(calls).toEqual([])
  await clock.advance(1)
  expect(calls).toEqual([15])
  expect(alarm.reset(5)).toBe(false)
  await clock.advance(5)
  expect(calls).toEqual([15, 20])
})

test('GO-156 an alarm that is moved earlier ten times is not lost', async () => {
  const clock = new ManualClock()
  const calls: number[] = []
  const alarm = new Alarm(clock, 1_000, () => calls.push(clock.now()))
  for (const i of upTo(10)) expect(alarm.reset(500 - 50 * i)).toBe(true)
  await clock.advance(2_000)
  expect(calls).toEqual([50])
})

test('GO-157 an alarm that sets itself again in its callback calls back a million times', async () => {
  const clock = new ManualClock(0, { turn: () => Promise.resolve() })
  let calls = 0
  const alarm = new Alarm(clock, 0, () => {
    calls += 1
    if (calls < 1_000_000) alarm.reset(0)
  })
  await clock.advance(0)
  expect([calls, clock.pending]).toEqual([1_000_000, 0])
})

test('an alarm whose callback throws counts as called, and can be set again', async () => {
  const clock = new ManualClock()
  let calls = 0
  const alarm = new Alarm(clock, 1, () => {
    calls += 1
    throw new Error('broken')
  })
  await expect(clock.advance(1)).rejects.toThrow('broken')
  expect([alarm.isSet, alarm.reset(1), calls]).toEqual([false, false, 1])
  alarm.stop()
})

test('an alarm rejects a delay that is not a number, and stops when its block is left', async () => {
  const clock = new ManualClock()
  let calls = 0
  {
    using alarm = new Alarm(clock, 5, () => void (calls += 1))
    expect(() => alarm.reset(NaN)).toThrow(RangeError)
    expect(clock.nextDelay()).toBe(5)
  }
  await clock.advance(10)
  expect([calls, clock.pending]).toEqual([0, 0])
  expect(() => new Alarm(clock, NaN, () => undefined)).toThrow(RangeError)
})
