import { expect, test } from 'vitest'
import { hasSettled, upTo } from '../../test/probe.ts'
import { CLOSED, EMPTY } from '../channel/channel-end.ts'
import { Channel } from '../channel/channel.ts'
import { select } from '../channel/select.ts'
import { ManualClock } from '@millrace/world'
import { Timer } from './timer.ts'

test('GO-151 a timer sends the time at its deadline, and ten in a row take ten times as long', async () => {
  const clock = new ManualClock(1_000)
  for (const i of upTo(10)) {
    const received = new Timer(clock, 5).channel.receive()
    await clock.advance(5)
    expect(await received).toEqual({ ok: true, value: 1_000 + 5 * (i + 1) })
  }
})

test('GO-163 the channel of a timer has capacity 0 and length 0, before and after it fires', async () => {
  const clock = new ManualClock()
  const timer = new Timer(clock, 5)
  expect([timer.channel.length, timer.channel.capacity]).toEqual([0, 0])
  await clock.advance(5)
  expect(timer.channel.length).toBe(0)
  expect(timer.channel.tryReceive()).toBe(5)
})

test('GO-154 GO-163 after a stop nothing is received, also if the timer has fired', async () => {
  const clock = new ManualClock()
  const [early, fired, received] = [new Timer(clock, 5), new Timer(clock, 5), new Timer(clock, 5)]
  expect([early.stop(), early.stop()]).toEqual([true, false])
  await clock.advance(5)
  received.channel.tryReceive()
  expect([fired.stop(), fired.stop(), received.stop()]).toEqual([true, false, false])
  await clock.advance(10)
  for (const timer of [early, fired, received]) expect(timer.channel.tryReceive()).toBe(EMPTY)
})

test('GO-155 GO-163 after a reset only the new time is received', async () => {
  const clock = new ManualClock()
  const timer = new Timer(clock, 5)
  expect(timer.reset(10)).toBe(true)
  await clock.advance(10)
  expect(timer.reset(10)).toBe(true) // It had fired, but the value was not received.
  expect(timer.channel.tryReceive()).toBe(EMPTY)
  await clock.advance(10)
  expect(timer.channel.tryReceive()).toBe(20)
  expect(timer.reset(1)).toBe(false)
  const received = timer.channel.receive()
  await clock.advance(1)
  expect(await received).toEqual({ ok: true, value: 21 })
})

test('GO-163 for any order of fire, stop, reset and receive, a timer delivers no outdated value', async () => {
  for (const seed of upTo(200)) {
    const clock = new ManualClock()
    const timer = new Timer(clock, 5)
    let dueMs: number | undefined = 5
    for (const step of upTo(12)) {
      const choice = (seed * 7 + step * 13 + ((seed >> 3) ^ step)) % 4
      if (choice === 0) {
        expect(timer.stop()).toBe(dueMs !== undefined)
        dueMs = undefined
      } else if (choice === 1) {
        expect(timer.reset(step)).toBe(dueMs !== undefined)
        dueMs = clock.now() + step
      } else if (choice === 2) {
        await clock.advance(3)
      } else {
        const value = timer.channel.tryReceive()
        if (typeof value === 'number') {
          expect(value).toBe(dueMs)
          dueMs = undefined
        } else {
          expect(dueMs === undefined || dueMs >= clock.now()).toBe(true)
        }
      }
    }
    timer.stop()
    expect(clock.pending).toBe(0)
  }
})

test('GO-158 a timer that was created without its constructor throws', () => {
  const unmade = Object.create(Timer.prototype) as Timer
  expect(() => unmade.stop()).toThrow(TypeError)
  expect(() => unmade.reset(1)).toThrow(TypeError)
})

test('GO-060 a timer can be a case of select, and leaving its block leaves no timer in the clock', async () => {
  const clock = new ManualClock()
  const jobs = new Channel<number>(1)
  {
    using timer = new Timer(clock, 5)
    const cases = { job: jobs.receiveCase(), late: timer.channel.receiveCase() }
    jobs.trySend(7)
    expect(await select(cases)).toEqual({ case: 'job', ok: true, value: 7 })
    const chosen = select(cases)
    expect(await hasSettled(chosen)).toBe(false)
    await clock.advance(5)
    expect(await chosen).toEqual({ case: 'late', ok: true, value: 5 })
    timer.reset(100)
  }
  expect(clock.pending).toBe(0)
})

test('GO-162 the stop of a timer does not close its channel', async () => {
  const timer = new Timer(new ManualClock(), 5)
  const received = timer.channel.receive()
  timer.stop()
  expect(await hasSettled(received)).toBe(false)
  expect(timer.channel.tryReceive()).not.toBe(CLOSED)
})
