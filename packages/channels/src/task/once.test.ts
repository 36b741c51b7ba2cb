import { expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { settle, upTo } from '../../test/probe.ts'
import { once } from './once.ts'

const broken = new Error('broken')

everySchedule(
  'GO-085 once: ten concurrent callers run the function once, and all receive its value',
  async () => {
    let runs = 0
    const config = once(async () => {
      runs += 1
      await settle()
      return { port: 8080 }
    })
    const values = await Promise.all(upTo(10).map(() => config()))
    expect(runs).toBe(1)
    for (const value of [...values, await config()]) expect(value).toBe(values[0])
  },
)

everySchedule(
  'GO-086 once: a function that failed is not run again, and later calls get the same error',
  async () => {
    let runs = 0
    const later = once(async () => {
      runs += 1
      await settle()
      throw broken
    })
    const atOnce = once<void>(() => {
      runs += 1
      throw broken
    })
    for (const failing of [later, atOnce]) {
      for (const outcome of await Promise.allSettled([failing(), failing()])) {
        expect(outcome).toEqual({ status: 'rejected', reason: broken })
      }
      await expect(failing()).rejects.toBe(broken)
    }
    expect(runs).toBe(2)
  },
)

everySchedule('once: an abort ends one wait, and the function continues', async () => {
  const controller = new AbortController()
  let runs = 0
  const value = once(async () => {
    runs += 1
    await settle()
    return 7
  })
  await expect(value(AbortSignal.abort(broken))).rejects.toBe(broken)
  expect(runs).toBe(0)
  const [cancelled, other] = [value(controller.signal), value()]
  controller.abort(broken)
  await expect(cancelled).rejects.toBe(broken)
  expect([await other, await value(), runs]).toEqual([7, 7, 1])
})

everySchedule('once: a failure after all callers aborted is kept for the next caller', async () => {
  const controller = new AbortController()
  const failing = once(async () => {
    await settle()
    throw broken
  })
  const cancelled = failing(controller.signal)
  controller.abort(new Error('enough'))
  await expect(cancelled).rejects.toThrow('enough')
  await settle()
  await settle()
  await expect(failing()).rejects.toBe(broken)
})
