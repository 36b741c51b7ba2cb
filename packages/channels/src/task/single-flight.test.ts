import { getEventListeners } from 'node:events'
import { expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { SingleFlight } from './single-flight.ts'

const broken = new Error('broken')

/** Work that waits for a value and counts how often it was called. */
function gatedWork(): { gate: Channel<number>; work: () => Promise<number>; calls: () => number } {
  const gate = new Channel<number>()
  let calls = 0
  const work = async (): Promise<number> => {
    calls += 1
    const { value = 0 } = await gate.receive()
    return value
  }
  return { gate, work, calls: () => calls }
}

everySchedule('callers of one key share one call while it runs, and start a new one after it', async () => {
  const flights = new SingleFlight<string, number>()
  const { gate, work, calls } = gatedWork()
  const first = upTo(10).map(() => flights.run('a', work))
  await gate.send(1)
  expect(await Promise.all(first)).toEqual(upTo(10).map(() => 1))
  expect(calls()).toBe(1)
  const second = flights.run('a', work)
  await gate.send(2)
  expect([await second, calls()]).toEqual([2, 2])
})

everySchedule('a caller that returns after it has the outcome starts a new call', async () => {
  const flights = new SingleFlight<string, number>()
  let calls = 0
  const work = async (): Promise<number> => {
    await settle()
    calls += 1
    if (calls > 2) throw broken
    return calls
  }
  expect(await flights.run('a', work)).toBe(1)
  expect(await flights.run('a', work)).toBe(2)
  await expect(flights.run('a', work)).rejects.toBe(broken)
  await expect(flights.run('a', work)).rejects.toBe(broken)
  expect(calls).toBe(4)
})

everySchedule('different keys do not share a call, and keys compare as in a Map', async () => {
  const flights = new SingleFlight<unknown, unknown>()
  const keys = [1, '1', null, undefined, {}, {}, '__proto__']
  const values = await Promise.all(keys.map((key) => flights.run(key, () => Promise.resolve(key))))
  expect(values.every((value, i) => value === keys[i])).toBe(true)
})

everySchedule('an error reaches all callers that share the call, also one thrown synchronously', async () => {
  const flights = new SingleFlight<string, number>()
  for (const work of [
    () => settle().then(() => Promise.reject(broken)),
    () => {
      throw broken
    },
  ]) {
    const outcomes = await Promise.allSettled(upTo(3).map(() => flights.run('a', work)))
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'rejected', reason: broken })
  }
  expect(await flights.run('a', () => Promise.resolve(1))).toBe(1)
})

everySchedule('when one caller is cancelled, the call continues for the others', async () => {
  const flights = new SingleFlight<string, number>()
  const { gate, work, calls } = gatedWork()
  const controller = new AbortController()
  const [leader, follower] = [flights.run('a', work, controller.signal), flights.run('a', work)]
  controller.abort(broken)
  await expect(leader).rejects.toBe(broken)
  await expect(flights.run('a', work, controller.signal)).rejects.toBe(broken)
  expect(await hasSettled(follower)).toBe(false)
  const late = flights.run('a', work)
  await gate.send(7)
  expect([await follower, await late, calls()]).toEqual([7, 7, 1])
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
})

everySchedule(
  'when no caller is left, the call is aborted, and the next caller starts a new one',
  async () => {
    const flights = new SingleFlight<string, number>()
    const controller = new AbortController()
    const signals: AbortSignal[] = []
    const callers = upTo(3).map(() =>
      flights.run(
        'a',
        (signal) => {
          signals.push(signal)
          return new Channel<number>().receive(signal).then(() => 0)
        },
        controller.signal,
      ),
    )
    expect([signals.length, signals[0]?.aborted]).toEqual([1, false])
    controller.abort(broken)
    for (const outcome of await Promise.allSettled(callers)) {
      expect(outcome).toEqual({ status: 'rejected', reason: broken })
    }
    expect(signals[0]?.reason).toBe(broken)
    expect(await flights.run('a', () => Promise.resolve(2))).toBe(2)
  },
)

everySchedule(
  'a forgotten call continues for its callers, and the next caller starts a new one',
  async () => {
    const flights = new SingleFlight<string, number>()
    const [old, fresh] = [gatedWork(), gatedWork()]
    const first = flights.run('a', old.work)
    flights.forget('a')
    const second = flights.run('a', fresh.work)
    await old.gate.send(1)
    expect(await first).toBe(1)
    const third = flights.run('a', fresh.work)
    await fresh.gate.send(2)
    expect([await second, await third, fresh.calls()]).toEqual([2, 2, 1])
  },
)
