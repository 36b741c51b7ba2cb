import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { hasSettled } from '../test/probe.ts'
import { sleep, systemClock } from './clock.ts'
import { ManualClock } from './manual-clock.ts'

/** Runs with the host's timers and clocks under control: this file is where the host is tested. */
function withHost(run: () => void): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  try {
    run()
  } finally {
    vi.useRealTimers()
  }
}

describe('the system clock', () => {
  test('now is the wall clock and monotonic never goes back', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
    const before = systemClock.monotonic()
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before)
  })

  test('GO-147 a timer never fires early, though the host may', async () => {
    const start = systemClock.monotonic()
    await sleep(systemClock, 1.9)
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(1.9)
  })

  test('after a host timer fires early, the clock waits for the remaining time', () => {
    const realNow = performance.now.bind(performance)
    withHost(() => {
      let hasFired = false
      systemClock.schedule(10, () => (hasFired = true))
      const late = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 9.5)
      vi.advanceTimersByTime(10)
      expect(hasFired).toBe(false)
      late.mockRestore()
      vi.advanceTimersByTime(1)
      expect(hasFired).toBe(true)
    })
    expect(realNow()).toBeGreaterThan(0)
  })

  test('GO-148 GO-150 a delay of zero or less fires soon, but not during schedule', async () => {
    for (const delayMs of [0, -5, -Infinity]) {
      let hasFired = false
      await new Promise<void>((resolve) => {
        systemClock.schedule(delayMs, () => {
          hasFired = true
          resolve()
        })
        expect(hasFired).toBe(false)
      })
    }
  })

  test('GO-149 a delay over 2^31-1 ms is chained and not cut short', () => {
    withHost(() => {
      const delayMs = 2 ** 31 + 10_000
      let hasFired = false
      systemClock.schedule(delayMs, () => (hasFired = true))
      const forever = systemClock.schedule(Infinity, () => expect.unreachable())
      vi.advanceTimersByTime(delayMs - 1)
      expect(hasFired).toBe(false)
      vi.advanceTimersByTime(1)
      expect(hasFired).toBe(true)
      forever[Symbol.dispose]()
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  test('an infinite delay sets no timer, so the process can end', () => {
    withHost(() => {
      using _forever = systemClock.schedule(Infinity, () => expect.unreachable())
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  test('GO-154 a disposed timer never fires and holds nothing', () => {
    withHost(() => {
      const timer = systemClock.schedule(10, () => expect.unreachable())
      timer[Symbol.dispose]()
      timer[Symbol.dispose]()
      expect(vi.getTimerCount()).toBe(0)
      vi.advanceTimersByTime(20)
    })
  })

  test('GO-165 a jump of the wall clock does not move a timer', () => {
    withHost(() => {
      let hasFired = false
      systemClock.schedule(1_000, () => (hasFired = true))
      vi.setSystemTime(Date.now() + 3_600_000)
      vi.advanceTimersByTime(999)
      expect(hasFired).toBe(false)
      vi.setSystemTime(0)
      vi.advanceTimersByTime(1)
      expect(hasFired).toBe(true)
    })
  })

  test('a delay that is not a number is rejected', () => {
    expect(() => systemClock.schedule(NaN, () => undefined)).toThrow(RangeError)
  })
})

describe('sleep', () => {
  test('waits for the clock', async () => {
    const clock = new ManualClock()
    const slept = sleep(clock, 100)
    await clock.advance(99)
    expect(await hasSettled(slept)).toBe(false)
    await clock.advance(1)
    await slept
  })

  test('an abort rejects with the reason and leaves no timer', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const slept = sleep(clock, 100, controller.signal)
    controller.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
    await expect(sleep(clock, 100, controller.signal)).rejects.toThrow('enough')
    expect(clock.pending).toBe(0)
  })

  test('an abort after the sleep changes nothing', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const slept = sleep(clock, 100, controller.signal)
    await clock.advance(100)
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
    controller.abort(new Error('too late'))
    await slept
  })

  test('a delay that is not a number rejects', async () => {
    await expect(sleep(new ManualClock(), NaN)).rejects.toThrow(RangeError)
  })
})
