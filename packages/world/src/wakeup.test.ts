import { simulateTasks } from '@millrace/simulator'
import { expect, test } from 'vitest'
import { hasSettled, upTo } from '../test/probe.ts'
import { Wakeup } from './wakeup.ts'

/** A test on the real event loop and under 50 simulated schedules. It may end while others wait. */
function everySchedule(name: string, run: () => Promise<void>): void {
  test(name, run)
  test(`${name}: 50 schedules`, () => simulateTasks(run, { seeds: 50, mayLeaveTasks: true }))
}

everySchedule('a wake ends the wait', async () => {
  const wakeup = new Wakeup()
  const waited = wakeup.wait()
  expect(await hasSettled(waited)).toBe(false)
  wakeup.wake()
  await waited
})

everySchedule('wakes before the wait count as one', async () => {
  const wakeup = new Wakeup()
  for (const _ of upTo(3)) wakeup.wake()
  await wakeup.wait()
  expect(await hasSettled(wakeup.wait())).toBe(false)
})

everySchedule('a wake that ends a wait is not remembered', async () => {
  const wakeup = new Wakeup()
  const waited = wakeup.wait()
  wakeup.wake()
  await waited
  expect(await hasSettled(wakeup.wait())).toBe(false)
})

everySchedule('a wake between the end of one wait and the next wait is remembered', async () => {
  const wakeup = new Wakeup()
  const waited = wakeup.wait()
  wakeup.wake()
  wakeup.wake()
  await waited
  expect(await hasSettled(wakeup.wait())).toBe(true)
})

test('waiting when already awake allocates nothing', () => {
  const wakeup = new Wakeup()
  wakeup.wake()
  const first = wakeup.wait()
  wakeup.wake()
  expect(wakeup.wait()).toBe(first)
})

everySchedule('a second task that waits is refused, and the first is still woken', async () => {
  const wakeup = new Wakeup()
  const waited = wakeup.wait()
  await expect(wakeup.wait()).rejects.toThrow('another task is waiting')
  wakeup.wake()
  await waited
})
