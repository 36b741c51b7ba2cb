import { expect, test } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { WaitGroup } from './wait-group.ts'

everySchedule('GO-077 a barrier made of two wait groups lets none of 16 tasks pass early', async () => {
  const [ready, go] = [new WaitGroup(), new WaitGroup()]
  const [n, passed] = [16, new Channel<number>(16)]
  ready.add(n)
  go.add(n)
  const tasks = upTo(n).map(async (i) => {
    ready.done()
    await ready.wait()
    go.done()
    await go.wait()
    await passed.send(i)
  })
  await ready.wait()
  for (const _ of upTo(n)) expect(go.count === 0 || passed.length === 0).toBe(true)
  await Promise.all(tasks)
  expect(passed.length).toBe(n)
})

everySchedule('GO-078 a wait group can be reused for eight rounds', async () => {
  const group = new WaitGroup()
  for (const round of upTo(8)) {
    group.add(round + 1)
    const waited = group.wait()
    expect(await hasSettled(waited)).toBe(false)
    for (const _ of upTo(round + 1)) group.done()
    await waited
  }
})

everySchedule('GO-079 wait at zero settles at once', async () => {
  expect(await hasSettled(new WaitGroup().wait())).toBe(true)
})

everySchedule('GO-080 a wait group releases all its waiters together', async () => {
  const group = new WaitGroup()
  group.add(2)
  const waits = upTo(5).map(() => group.wait())
  group.done()
  for (const wait of waits) expect(await hasSettled(wait)).toBe(false)
  group.done()
  await Promise.all(waits)
})

test('GO-081 a count below zero throws and changes nothing', () => {
  const group = new WaitGroup()
  expect(() => group.done()).toThrow(RangeError)
  group.add(2)
  expect(() => group.add(-3)).toThrow(RangeError)
  expect(() => group.add(0.5)).toThrow(RangeError)
  expect(group.count).toBe(2)
})

everySchedule('GO-082 no waiter is released while tasks are running, in 1,000 rounds', async () => {
  for (const _ of upTo(sized(1_000, 10))) {
    const group = new WaitGroup()
    let ended = 0
    for (const __ of upTo(2)) {
      void group.go(async () => {
        for (const ___ of upTo(10)) await Promise.resolve()
        ended += 1
      })
    }
    await group.wait()
    expect(ended).toBe(2)
  }
})

everySchedule('GO-083 a release removes all waiters at once, so a later add begins a new round', async () => {
  const group = new WaitGroup()
  group.add()
  const first = group.wait()
  group.done()
  group.add()
  await first
  expect(await hasSettled(group.wait())).toBe(false)
})

everySchedule('GO-084 a task that throws also decrements the count, and its error is rethrown', async () => {
  const group = new WaitGroup()
  const failing = group.go(() => Promise.reject(new Error('broken')))
  const failingAtOnce = group.go(() => {
    throw new Error('broken at once')
  })
  await expect(failing).rejects.toThrow('broken')
  await expect(failingAtOnce).rejects.toThrow('broken at once')
  await group.wait()
  expect(await group.go(() => Promise.resolve(7))).toBe(7)
})

everySchedule('an abort ends one wait and leaves the others', async () => {
  const group = new WaitGroup()
  group.add()
  const controller = new AbortController()
  const [cancelled, other] = [group.wait(controller.signal), group.wait()]
  controller.abort(new Error('enough'))
  await expect(cancelled).rejects.toThrow('enough')
  await expect(group.wait(controller.signal)).rejects.toThrow('enough')
  await settle()
  group.done()
  await other
})
