import fc from 'fast-check'
import { expect, test } from 'vitest'
import { upTo } from '../test/probe.ts'
import { sleep } from './clock.ts'
import { ManualClock } from './manual-clock.ts'
import { microtaskScheduler } from './scheduler.ts'

test('time does not advance until it is moved', async () => {
  const clock = new ManualClock(1_000)
  expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
  await clock.advance(5)
  expect([clock.now(), clock.monotonic()]).toEqual([1_005, 5])
  await clock.advanceTo(2_000)
  expect([clock.now(), clock.monotonic()]).toEqual([2_000, 1_000])
})

test('GO-153 timers fire in the order of their due times', async () => {
  const clock = new ManualClock()
  const slots = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0]
  const fired: [slot: number, order: number, at: number][] = []
  for (const [i, slot] of slots.entries()) {
    clock.schedule(slot * 10, () => fired.push([slot, i, clock.monotonic()]))
  }
  await clock.advance(100)
  // The sort is stable: timers of one moment in the order in which they were set.
  expect(fired).toEqual(slots.map((slot, i) => [slot, i, slot * 10]).toSorted((a, b) => a[0]! - b[0]!))
})

test('timers that are not cancelled fire in the order of due time, then of setting, at each advance', async () => {
  const timer = fc.record({ delay: fc.nat(50), cancel: fc.option(fc.nat(), { freq: 2 }) })
  const timers = fc.array(timer, { minLength: 10, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(timers, fc.nat(60), async (all, untilMs) => {
      const clock = new ManualClock(0, microtaskScheduler)
      const [fired, cancelled] = [[] as number[], new Set<number>()]
      const set: Disposable[] = []
      for (const [i, { delay, cancel }] of all.entries()) {
        set.push(clock.schedule(delay, () => fired.push(i)))
        if (cancel === null) continue
        set[cancel % set.length]![Symbol.dispose]()
        cancelled.add(cancel % set.length)
      }
      const due = all
        .map(({ delay }, i) => ({ delay, i }))
        .filter(({ i }) => !cancelled.has(i))
        .toSorted((a, b) => a.delay - b.delay)
      expect(clock.pending).toBe(due.length)
      expect(clock.nextDelay()).toBe(due[0]?.delay)
      await clock.advance(untilMs)
      expect(fired).toEqual(due.filter(({ delay }) => delay <= untilMs).map(({ i }) => i))
      expect(clock.pending).toBe(due.length - fired.length)
    }),
    { numRuns: 500 },
  )
})

test('GO-154 a cancelled timer never fires, also not when a longer one does', async () => {
  const clock = new ManualClock()
  const fired: string[] = []
  const short = clock.schedule(10, () => fired.push('short'))
  clock.schedule(20, () => fired.push('long'))
  short[Symbol.dispose]()
  short[Symbol.dispose]()
  await clock.advance(30)
  expect(fired).toEqual(['long'])
})

test('GO-156 moving a timer earlier ten times never loses it', async () => {
  const clock = new ManualClock()
  let fired = 0
  let timer = clock.schedule(1_000, () => (fired += 1))
  for (const n of upTo(10)) {
    timer[Symbol.dispose]()
    timer = clock.schedule(900 - n * 50, () => (fired += 1))
  }
  await clock.advance(450)
  expect([fired, clock.pending]).toEqual([1, 0])
})

test('GO-157 a million timers without delay fire, each set by the previous one', async () => {
  const clock = new ManualClock(0, microtaskScheduler)
  let fired = 0
  const again = (): void => {
    fired += 1
    if (fired < 1_000_000) clock.schedule(0, again)
  }
  clock.schedule(0, again)
  await clock.advance(0)
  expect([fired, clock.monotonic()]).toEqual([1_000_000, 0])
})

test('GO-152 work that a timer starts settles before time advances, and may set timers', async () => {
  const clock = new ManualClock()
  const moments: number[] = []
  const sleeper = (async () => {
    for (const _ of upTo(10)) {
      await sleep(clock, 10)
      await Promise.resolve()
      moments.push(clock.monotonic())
    }
  })()
  await clock.advance(100)
  await sleeper
  expect(moments).toEqual(upTo(10).map((n) => (n + 1) * 10))
})

test('the manual clock waits for code that sets its first timer a few microtasks later', async () => {
  const clock = new ManualClock()
  const slept = (async () => {
    await Promise.resolve()
    await sleep(clock, 10)
    return clock.monotonic()
  })()
  await clock.advance(10)
  expect(await slept).toBe(10)
})

test('GO-165 a jump of the wall clock moves no timer', async () => {
  const clock = new ManualClock(1_000)
  const slept = sleep(clock, 100)
  clock.jumpWallClock(-5_000)
  expect([clock.now(), clock.nextDelay()]).toEqual([-4_000, 100])
  clock.jumpWallClock(1_000_000)
  expect(clock.pending).toBe(1)
  await clock.advance(100)
  await slept
})

test('GO-149 a timer of infinite delay never fires', async () => {
  const clock = new ManualClock()
  const timer = clock.schedule(Infinity, () => expect.unreachable())
  await clock.advance(2 ** 53)
  expect([clock.pending, clock.nextDelay()]).toEqual([1, Infinity])
  timer[Symbol.dispose]()
  expect(clock.nextDelay()).toBe(undefined)
})

test('a callback that throws stops the clock at its time, and the call that moved it rejects', async () => {
  const clock = new ManualClock()
  clock.schedule(10, () => {
    throw new Error('broken')
  })
  const slept = sleep(clock, 20)
  await expect(clock.advance(30)).rejects.toThrow('broken')
  expect(clock.monotonic()).toBe(10)
  await clock.advance(10)
  await slept
})

test('a moving clock cannot be moved again, and time does not go back', async () => {
  const clock = new ManualClock(50)
  const moved = clock.advance(10)
  await expect(clock.advance(10)).rejects.toThrow('already moving')
  await moved
  await expect(clock.advance(-1)).rejects.toThrow(RangeError)
  await expect(clock.advance(Infinity)).rejects.toThrow(RangeError)
  await expect(clock.advanceTo(50)).rejects.toThrow(RangeError)
  expect(() => clock.schedule(NaN, () => undefined)).toThrow(RangeError)
  expect(clock.monotonic()).toBe(10)
})

test('fireNext moves to the next timer and fires that one alone', () => {
  const clock = new ManualClock(100)
  const fired: string[] = []
  clock.schedule(5, () => fired.push('a'))
  clock.schedule(5, () => fired.push('b'))
  clock.schedule(Infinity, () => fired.push('never'))
  expect([clock.fireNext(), clock.now(), [...fired]]).toEqual([true, 105, ['a']])
  expect([clock.fireNext(), clock.now(), [...fired]]).toEqual([true, 105, ['a', 'b']])
  expect([clock.fireNext(), clock.now()]).toEqual([false, 105])
})
