import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { hasSettled, upTo } from '../../test/probe.ts'
import { EMPTY } from '../channel/channel-end.ts'
import { Channel } from '../channel/channel.ts'
import { select } from '../channel/select.ts'
import { ManualClock } from '@millrace/world'
import { Ticker, tick } from './ticker.ts'

/** The ticks that a prompt receiver gets in `ms`. */
async function ticksIn(clock: ManualClock, ticker: Ticker, ms: number): Promise<number[]> {
  const ticks: number[] = []
  for (const _ of upTo(ms)) {
    await clock.advance(1)
    const value = ticker.channel.tryReceive()
    if (typeof value === 'number') ticks.push(value)
  }
  return ticks
}

test('GO-159 a ticker ticks once per period, at the new period after a reset, and not after a stop', async () => {
  const clock = new ManualClock()
  using ticker = new Ticker(clock, 10)
  expect(await ticksIn(clock, ticker, 50)).toEqual([10, 20, 30, 40, 50])
  ticker.reset(20)
  expect(await ticksIn(clock, ticker, 50)).toEqual([70, 90])
  ticker.stop()
  expect([await ticksIn(clock, ticker, 50), clock.pending]).toEqual([[], 0])
  ticker.reset(5)
  expect(await ticksIn(clock, ticker, 10)).toEqual([155, 160])
})

test('GO-160 a slow receiver misses ticks: at most one is buffered', async () => {
  const clock = new ManualClock()
  using ticker = new Ticker(clock, 10)
  await clock.advance(95)
  expect([ticker.channel.tryReceive(), ticker.channel.tryReceive()]).toEqual([10, EMPTY])
  await clock.advance(5)
  expect(ticker.channel.tryReceive()).toBe(100)
})

test('a ticker whose clock fires late skips missed ticks and stays in phase', async () => {
  const clock = new ManualClock()
  const late = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (delayMs: number, callback: () => void) => clock.schedule(delayMs + 25, callback),
  }
  using ticker = new Ticker(late, 10)
  await clock.advance(35) // Due at 10, it fires at 35; the ticks of 20 and 30 are over, the next is due at 40.
  expect(ticker.channel.tryReceive()).toBe(35)
  expect(clock.nextDelay()).toBe(5 + 25)
})

test('GO-161 a ticker rejects a period of zero or less, at creation and in reset; tick returns no channel', () => {
  const clock = new ManualClock()
  using ticker = new Ticker(clock, 10)
  const { signal } = new AbortController()
  for (const periodMs of [0, -1, NaN]) {
    expect(() => new Ticker(clock, periodMs)).toThrow(RangeError)
    expect(() => ticker.reset(periodMs)).toThrow(RangeError)
  }
  for (const periodMs of [0, -1]) expect(tick(clock, periodMs, signal)).toBe(undefined)
  expect(() => tick(clock, NaN, signal)).toThrow(RangeError)
  expect([clock.pending, clock.nextDelay()]).toEqual([1, 10])
})

test('GO-162 GO-163 a stop discards the tick that waits and does not close the channel', async () => {
  const clock = new ManualClock()
  const ticker = new Ticker(clock, 10)
  await clock.advance(10)
  ticker.stop()
  expect([ticker.channel.tryReceive(), ticker.channel.length, ticker.channel.capacity]).toEqual([EMPTY, 0, 0])
  const received = ticker.channel.receive()
  expect(await hasSettled(received)).toBe(false)
  ticker.reset(5)
  await clock.advance(5)
  expect(await received).toEqual({ ok: true, value: 15 })
  await clock.advance(5)
  ticker.reset(10)
  expect(ticker.channel.tryReceive()).toBe(EMPTY)
  ticker.stop()
})

test('GO-164 a stopped ticker, and one whose signal was aborted, leave no timer in the clock', async () => {
  const clock = new ManualClock()
  for (const _ of upTo(1_000)) {
    using ticker = new Ticker(clock, 10)
    expect(ticker.channel.capacity).toBe(0)
  }
  const controller = new AbortController()
  const ticks = tick(clock, 10, controller.signal)!
  await clock.advance(10)
  expect(ticks.tryReceive()).toBe(10)
  controller.abort()
  expect([clock.pending, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  tick(clock, 10, controller.signal)
  expect(clock.pending).toBe(0)
})

test('a ticker can be a case of select, also one that is switched off', async () => {
  const clock = new ManualClock()
  using ticker = new Ticker(clock, 10)
  const quiet = new Channel<number>()
  const off = tick(clock, 0, new AbortController().signal)
  const chosen = select({
    quiet: quiet.receiveCase(),
    off: off?.receiveCase(),
    tick: ticker.channel.receiveCase(),
  })
  await clock.advance(10)
  expect(await chosen).toEqual({ case: 'tick', ok: true, value: 10 })
})
