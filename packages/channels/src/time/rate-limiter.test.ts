import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, upTo } from '../../test/probe.ts'
import { ManualClock } from '@millrace/world'
import { RateLimiter } from './rate-limiter.ts'

const enough = new Error('enough')

test('rate limiter: a burst passes at once, then one token per interval; after a pause again at most a burst', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 3 })
  expect(upTo(4).map(() => limiter.allow())).toEqual([true, true, true, false])
  await clock.advance(99)
  expect(limiter.allow()).toBe(false)
  await clock.advance(1)
  expect([limiter.allow(), limiter.allow()]).toEqual([true, false])
  await clock.advance(100_000)
  expect([limiter.allow(4 - 1), limiter.allow()]).toEqual([true, false])
})

test('rate limiter: at an interval of no whole milliseconds, each of a thousand tokens is on time', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 3, burst: 1 })
  expect(limiter.allow()).toBe(true)
  for (const _ of upTo(1_000)) {
    await clock.advance(333)
    expect(limiter.allow()).toBe(false)
    await clock.advance(1 / 3)
    expect(limiter.allow()).toBe(true)
  }
})

test('rate limiter: waits are served in call order, and small requests do not overtake a large one', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 5 })
  const served: [who: string, atMs: number][] = []
  const wait = async (who: string, tokens: number): Promise<void> => {
    await limiter.wait(tokens)
    served.push([who, clock.monotonic()])
  }
  const waits = [wait('a', 5), wait('b', 5), wait('c', 1), wait('d', 2)]
  await clock.advance(100)
  expect(limiter.allow()).toBe(false)
  await clock.advance(1_000)
  await Promise.all(waits)
  expect(served).toEqual([
    ['a', 0],
    ['b', 500],
    ['c', 600],
    ['d', 800],
  ])
})

test('rate limiter: an aborted wait takes no tokens, and later waits move up', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 5 })
  const controller = new AbortController()
  limiter.allow(5)
  const [large, small] = [limiter.wait(5, controller.signal), limiter.wait(1)]
  await clock.advance(100)
  controller.abort(enough)
  await expect(large).rejects.toBe(enough)
  await small
  await expect(limiter.wait(1, controller.signal)).rejects.toBe(enough)
  expect([clock.monotonic(), clock.pending, limiter.allow()]).toEqual([100, 0, false])
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})

test('rate limiter: an abort of several waits serves none of them, although each moves the next one up', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 2 })
  const controller = new AbortController()
  limiter.allow(2)
  const cancelled = [2, 1, 1].map((tokens) => limiter.wait(tokens, controller.signal))
  await clock.advance(100)
  controller.abort(enough)
  for (const outcome of await Promise.allSettled(cancelled)) {
    expect(outcome).toEqual({ status: 'rejected', reason: enough })
  }
  expect([limiter.allow(), limiter.allow()]).toEqual([true, false])
})

test('rate limiter: a reservation queues behind earlier waits, reports its delay and keeps its place', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 2 })
  expect(limiter.reserve(2).delayMs).toBe(0)
  const waiting = limiter.wait(1)
  const reserved = limiter.reserve(2)
  expect(reserved.delayMs).toBe(300)
  const behind = limiter.wait(1)
  await clock.advance(300)
  await waiting
  expect(limiter.allow()).toBe(false)
  await clock.advance(100)
  await behind
  reserved.cancel()
  expect(limiter.allow()).toBe(false)
})

test('rate limiter: when a reservation is cancelled in time, later waits move up', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: 10, burst: 5 })
  limiter.allow(5)
  const reserved = limiter.reserve(5)
  const behind = limiter.wait(1)
  reserved.cancel()
  reserved.cancel()
  expect(limiter.reserve(1).delayMs).toBe(200)
  await clock.advance(100)
  await behind
})

test('rate limiter: an infinite rate never limits, for any burst', async () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock, perSecond: Infinity, burst: 1 })
  for (const _ of upTo(100)) expect(limiter.allow(1_000)).toBe(true)
  await limiter.wait(1_000)
  expect(limiter.reserve(5).delayMs).toBe(0)
})

test('rate limiter: invalid rates and bursts, and requests above the burst, are rejected', async () => {
  const clock = new ManualClock()
  for (const perSecond of [0, -1, NaN]) {
    expect(() => new RateLimiter({ clock, perSecond, burst: 1 })).toThrow(RangeError)
  }
  for (const burst of [0, -1, 0.5, NaN, Infinity]) {
    expect(() => new RateLimiter({ clock, perSecond: 1, burst })).toThrow(RangeError)
  }
  const limiter = new RateLimiter({ clock, perSecond: 1, burst: 2 })
  for (const tokens of [3, -1, 0.5, NaN]) {
    expect(() => limiter.allow(tokens)).toThrow(RangeError)
    expect(() => limiter.reserve(tokens)).toThrow(RangeError)
    await expect(limiter.wait(tokens)).rejects.toThrow(RangeError)
  }
  expect(limiter.allow(2)).toBe(true)
})

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('wait' as const, 'allow' as const),
      tokens: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: fc.constant('cancel' as const), who: fc.nat() }),
  ),
  { maxLength: 60 },
)

test('rate limiter: in any period at most the burst plus the new tokens pass, and waits are served in order', async () => {
  const [perSecond, burst] = [10, 4]
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const clock = new ManualClock()
      const limiter = new RateLimiter({ clock, perSecond, burst })
      const passed: { atMs: number; tokens: number }[] = []
      const order: number[] = []
      const controllers: AbortController[] = []
      const pass = (tokens: number): number => passed.push({ atMs: clock.monotonic(), tokens })
      for (const [id, step] of all.entries()) {
        if (step.kind === 'allow') {
          if (limiter.allow(step.tokens)) pass(step.tokens)
        } else if (step.kind === 'wait') {
          const controller = new AbortController()
          controllers.push(controller)
          limiter.wait(step.tokens, controller.signal).then(
            () => [order.push(id), pass(step.tokens)],
            () => undefined,
          )
        } else if (step.kind === 'advance') {
          await clock.advance(step.ms)
        } else if (step.kind === 'cancel' && controllers.length > 0) {
          controllers[step.who % controllers.length]!.abort(enough)
        }
        await settle()
      }
      await clock.advance(100_000)
      expect(clock.pending).toBe(0)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
      for (const [i, from] of passed.entries()) {
        let tokens = 0
        for (const { atMs, tokens: some } of passed.slice(i)) {
          tokens += some
          expect(tokens).toBeLessThanOrEqual(burst + ((atMs - from.atMs) * perSecond) / 1_000 + 1e-6)
        }
      }
    }),
    { numRuns: 100 },
  )
})
