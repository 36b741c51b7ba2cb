import { expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { settle } from '../../test/probe.ts'
import { ManualClock } from '@millrace/world'
import { afterFunc } from './after-func.ts'
import { withCancel, withTimeout } from './cancel-context.ts'
import type { Context } from './context.ts'
import { background } from './endless-context.ts'

everySchedule('GO-137 GO-142 GO-143 the task runs once, after the cancel and not during it', async () => {
  const ctx = withCancel(background)
  let runs = 0
  afterFunc(ctx, () => void (runs += 1))
  await settle()
  expect(runs).toBe(0)
  ctx.cancel()
  expect(runs).toBe(0)
  await settle()
  ctx.cancel()
  await settle()
  expect(runs).toBe(1)
})

everySchedule('GO-142 a cancel does not wait for a slow task', async () => {
  const ctx = withCancel(background)
  const steps: string[] = []
  afterFunc(ctx, async () => {
    await settle()
    steps.push('ended')
  })
  ctx.cancel()
  steps.push('cancelled')
  await settle()
  await settle()
  expect(steps).toEqual(['cancelled', 'ended'])
})

everySchedule('GO-138 the task runs after a timeout', async () => {
  const clock = new ManualClock()
  const ctx = withTimeout(background, clock, 5)
  let runs = 0
  afterFunc(ctx, () => void (runs += 1))
  await clock.advance(4)
  expect(runs).toBe(0)
  await clock.advance(1)
  expect(runs).toBe(1)
})

everySchedule(
  'GO-139 the task runs at once when the context has already ended, but not during the call',
  async () => {
    const ctx = withCancel(background)
    ctx.cancel()
    let runs = 0
    const stop = afterFunc(ctx, () => void (runs += 1))
    expect([runs, stop()]).toEqual([0, false])
    await settle()
    expect(runs).toBe(1)
  },
)

everySchedule('GO-140 GO-141 a stopped task never runs; stopping it again returns false', async () => {
  const ctx = withCancel(background)
  const stop = afterFunc(ctx, () => expect.unreachable())
  expect([stop(), stop()]).toEqual([true, false])
  ctx.cancel()
  await settle()
  expect(stop()).toBe(false)
})

everySchedule('GO-141 stopping a task that has run, or is about to, returns false', async () => {
  const ctx = withCancel(background)
  let runs = 0
  const stop = afterFunc(ctx, () => void (runs += 1))
  ctx.cancel()
  expect(stop()).toBe(false)
  await settle()
  expect([stop(), runs]).toEqual([false, 1])
})

everySchedule('GO-143 a custom context that calls back twice still runs the task once', async () => {
  const { signal } = new AbortController()
  const callbacks: (() => void)[] = []
  const eager: Context = {
    deadline: undefined,
    signal,
    error: undefined,
    cause: undefined,
    value: () => undefined,
    onEnd: (callback) => {
      callbacks.push(callback)
      return { [Symbol.dispose]: () => undefined }
    },
  }
  let runs = 0
  afterFunc(eager, () => void (runs += 1))
  for (const callback of [...callbacks, ...callbacks]) callback()
  await settle()
  expect(runs).toBe(1)
  const stop = afterFunc(eager, () => expect.unreachable())
  stop()
  callbacks.at(-1)!()
  await settle()
})
