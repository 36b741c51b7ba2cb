import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, settle, together, upTo } from '../../test/probe.ts'
import { seededRandom } from '@millrace/world'
import { Mutex } from './mutex.ts'

const enough = new Error('enough')

everySchedule('GO-087 a mutex rejects a second release of one lock', async () => {
  const mutex = new Mutex()
  const lease = await mutex.lock()
  lease.release()
  expect(() => lease.release()).toThrow('given back already')
  using next = await mutex.lock()
  expect(() => lease.release()).toThrow()
  lease[Symbol.dispose]()
  expect([mutex.isLocked, lease.isHeld, next.isHeld]).toEqual([true, false, true])
})

everySchedule(
  'GO-088 a waiting task gets the lock next, even if another task locks and unlocks in a loop',
  async () => {
    const mutex = new Mutex()
    let isOver = false
    let turns = 0
    const greedy = async (): Promise<void> => {
      while (!isOver) {
        using _ = await mutex.lock()
        turns += 1
        await Promise.resolve()
      }
    }
    const looping = greedy()
    // Not settle: a loop that only ever waits for what is ready leaves the event loop no turn.
    await Promise.resolve()
    for (const _ of upTo(10)) {
      const before = turns
      using __ = await mutex.lock()
      expect(turns - before).toBeLessThanOrEqual(1)
    }
    isOver = true
    await looping
  },
)

everySchedule('GO-088 tasks get the lock in the order of their requests', async () => {
  const mutex = new Mutex()
  const order: number[] = []
  const first = await mutex.lock()
  const tasks = upTo(20).map((i) => async (): Promise<void> => {
    using _ = await mutex.lock()
    order.push(i)
    await settle()
  })
  const all = together(...tasks)
  expect(mutex.tryLock()).toBe(undefined)
  first.release()
  expect(mutex.tryLock()).toBe(undefined)
  await all
  expect(order).toEqual(upTo(20))
})

everySchedule('GO-089 one task at a time is in the critical section, also while it waits in it', async () => {
  for (const seed of upTo(sized(20, 1))) {
    const random = seededRandom(seed)
    const mutex = new Mutex()
    let [inside, count] = [0, 0]
    await together(
      ...upTo(8).map(() => async (): Promise<void> => {
        for (const _ of upTo(10)) {
          using __ = await mutex.lock()
          inside += 1
          expect(inside).toBe(1)
          const read = count
          for (const ___ of upTo(random.int(4))) await Promise.resolve()
          count = read + 1
          inside -= 1
        }
      }),
    )
    expect([count, mutex.isLocked]).toEqual([80, false])
  }
})

everySchedule('a block that throws releases the lock', async () => {
  const mutex = new Mutex()
  const failing = async (): Promise<void> => {
    using _ = await mutex.lock()
    throw enough
  }
  await expect(failing()).rejects.toBe(enough)
  expect(mutex.isLocked).toBe(false)
})

everySchedule('an abort ends one wait for the lock and leaves the others in their order', async () => {
  const mutex = new Mutex()
  const controller = new AbortController()
  const held = await mutex.lock()
  const [cancelled, next] = [mutex.lock(controller.signal), mutex.lock()]
  controller.abort(enough)
  await expect(cancelled).rejects.toBe(enough)
  await expect(mutex.lock(controller.signal)).rejects.toBe(enough)
  expect(await hasSettled(next)).toBe(false)
  held.release()
  expect((await next).isHeld).toBe(true)
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})
