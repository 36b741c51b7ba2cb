import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Cond } from './cond.ts'
import { Mutex } from './mutex.ts'

everySchedule('GO-090 wake wakes one task, the one that has waited longest', async () => {
  const cond = new Cond()
  const woken: number[] = []
  const waits = upTo(4).map(async (i) => {
    await cond.wait()
    woken.push(i)
  })
  for (const i of upTo(4)) {
    cond.wake()
    await settle()
    expect(woken).toEqual(upTo(i + 1))
  }
  await Promise.all(waits)
})

everySchedule('GO-090 wake affects tasks that wait now, and none that wait later', async () => {
  const cond = new Cond()
  const first = cond.wait()
  cond.wake()
  const second = cond.wait()
  await first
  expect(await hasSettled(second)).toBe(false)
  cond.wake()
  await second
  cond.wake()
  cond.wakeAll()
  expect(await hasSettled(cond.wait())).toBe(false)
})

everySchedule('GO-090 wakeAll wakes each waiting task once, also when repeated many times', async () => {
  const cond = new Cond()
  const generations = sized(100, 3)
  let generation = 0
  const seen = upTo(10).map(() => [] as number[])
  const tasks = seen.map(async (mine) => {
    while (generation < generations) {
      await cond.wait()
      mine.push(generation)
    }
  })
  for (const _ of upTo(generations)) {
    await settle()
    generation += 1
    cond.wakeAll()
  }
  await Promise.all(tasks)
  for (const mine of seen) expect(mine).toEqual(upTo(generations).map((i) => i + 1))
})

everySchedule('an abort removes a task from the queue, and the next wake wakes another one', async () => {
  const cond = new Cond()
  const controller = new AbortController()
  const [cancelled, other] = [cond.wait(controller.signal), cond.wait()]
  controller.abort(new Error('enough'))
  await expect(cancelled).rejects.toThrow('enough')
  await expect(cond.wait(controller.signal)).rejects.toThrow('enough')
  cond.wake()
  await other
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})

everySchedule('with a mutex, a task queues before it releases the lock, so it misses no wake', async () => {
  const [mutex, filled] = [new Mutex(), new Cond()]
  const queue: number[] = []
  const take = async (): Promise<number> => {
    let lease = await mutex.lock()
    try {
      while (queue.length === 0) {
        const woken = filled.wait()
        lease.release()
        await woken
        lease = await mutex.lock()
      }
      return queue.shift()!
    } finally {
      lease[Symbol.dispose]()
    }
  }
  const taken = Promise.all(upTo(20).map(take))
  for (const i of upTo(20)) {
    using _ = await mutex.lock()
    queue.push(i)
    filled.wake()
  }
  expect((await taken).toSorted((a, b) => a - b)).toEqual(upTo(20))
})
