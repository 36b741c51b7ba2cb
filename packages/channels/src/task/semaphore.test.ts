import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, upTo } from '../../test/probe.ts'
import { withTimeout } from '../context/cancel-context.ts'
import { background } from '../context/endless-context.ts'
import { ManualClock } from '@millrace/world'
import { Semaphore } from './semaphore.ts'

const enough = new Error('enough')

everySchedule('GO-092 a lease is released only once, so releases never exceed acquisitions', async () => {
  const semaphore = new Semaphore(5)
  const [two, three] = [await semaphore.acquire(2), await semaphore.acquire(3)]
  two.release()
  expect(() => two.release()).toThrow('given back already')
  two[Symbol.dispose]()
  expect(semaphore.available).toBe(2)
  three.release()
  expect(semaphore.available).toBe(5)
})

test('GO-093 tryAcquire succeeds while enough permits are free', () => {
  const semaphore = new Semaphore(2)
  const tries: boolean[] = []
  const attempt = (weight: number): Disposable | undefined => {
    const lease = semaphore.tryAcquire(weight)
    tries.push(lease !== undefined)
    return lease
  }
  attempt(1)?.[Symbol.dispose]()
  using _ = attempt(1)
  attempt(2)
  using __ = attempt(1)
  attempt(1)
  expect(tries).toEqual([true, true, false, true, false])
})

everySchedule(
  'GO-093 acquire with a timeout succeeds while enough permits are free, and rejects otherwise',
  async () => {
    const clock = new ManualClock()
    const semaphore = new Semaphore(2)
    const attempt = async (weight: number): Promise<boolean> => {
      using ctx = withTimeout(background, clock, 10)
      const acquiring = semaphore.acquire(weight, ctx.signal).then(
        () => true,
        () => false,
      )
      await clock.advance(10)
      return await acquiring
    }
    expect([await attempt(1), await attempt(2), await attempt(1), await attempt(1)]).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(semaphore.available).toBe(0)
  },
)

everySchedule('GO-094 a request above the capacity fails at once and blocks no other', async () => {
  const semaphore = new Semaphore(2)
  await expect(semaphore.acquire(3)).rejects.toThrow(RangeError)
  expect(() => semaphore.tryAcquire(3)).toThrow('which is 2')
  using lease = await semaphore.acquire(2)
  expect(lease.isHeld).toBe(true)
})

everySchedule('GO-095 a large request is not starved by small ones that come after it', async () => {
  const semaphore = new Semaphore(4)
  const small = await Promise.all(upTo(4).map(() => semaphore.acquire(1)))
  const large = semaphore.acquire(4)
  const order: string[] = []
  void large.then((lease) => {
    order.push('large')
    lease.release()
  })
  const later = upTo(3).map(async (i) => {
    using _ = await semaphore.acquire(1)
    order.push(`small ${i}`)
  })
  for (const lease of small) {
    expect(semaphore.tryAcquire(1)).toBe(undefined)
    expect(await hasSettled(large)).toBe(false)
    lease.release()
  }
  await Promise.all(later)
  // The small ones are served together, so any of them may continue first.
  expect([order[0], order.toSorted()]).toEqual(['large', ['large', 'small 0', 'small 1', 'small 2']])
})

everySchedule('GO-096 when a large request is aborted, smaller ones behind it are served', async () => {
  const semaphore = new Semaphore(2)
  const controller = new AbortController()
  using _ = await semaphore.acquire(1)
  const large = semaphore.acquire(2, controller.signal)
  const small = semaphore.acquire(1)
  expect(await hasSettled(small)).toBe(false)
  controller.abort(enough)
  await expect(large).rejects.toBe(enough)
  expect((await small).isHeld).toBe(true)
})

everySchedule(
  'GO-097 with an aborted signal nothing is acquired, even when enough permits are free',
  async () => {
    const semaphore = new Semaphore(1)
    await expect(semaphore.acquire(1, AbortSignal.abort(enough))).rejects.toBe(enough)
    expect(semaphore.available).toBe(1)
  },
)

everySchedule(
  'GO-097 an abort of several waiters acquires nothing, although each moves the next one to the front',
  async () => {
    const semaphore = new Semaphore(3)
    const controller = new AbortController()
    const held = await semaphore.acquire(2)
    const cancelled = [2, 1, 2, 1].map((weight) => semaphore.acquire(weight, controller.signal))
    const last = semaphore.acquire(1)
    controller.abort(enough)
    for (const outcome of await Promise.allSettled(cancelled)) {
      expect(outcome).toEqual({ status: 'rejected', reason: enough })
    }
    expect((await last).isHeld).toBe(true)
    held.release()
    expect(semaphore.available).toBe(2)
    expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
  },
)

everySchedule('a semaphore rejects an invalid capacity or weight', async () => {
  for (const capacity of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    expect(() => new Semaphore(capacity)).toThrow(RangeError)
  }
  const semaphore = new Semaphore(2)
  for (const weight of [-1, 0.5, NaN, Infinity]) {
    await expect(semaphore.acquire(weight)).rejects.toThrow(RangeError)
    expect(() => semaphore.tryAcquire(weight)).toThrow(RangeError)
  }
  expect([semaphore.available, semaphore.capacity]).toEqual([2, 2])
})
