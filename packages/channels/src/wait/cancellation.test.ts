import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { upTo } from '../../test/probe.ts'
import { onAbort } from './cancellation.ts'
import { Channel } from '../channel/channel.ts'

test('hooks run in the order in which they were added, with the reason', () => {
  const controller = new AbortController()
  const calls: unknown[] = []
  for (const i of upTo(3)) onAbort(controller.signal, (reason) => calls.push([i, reason]))
  controller.abort('enough')
  expect(getEventListeners(controller.signal, 'abort').length).toBe(0)
  expect(calls).toEqual(upTo(3).map((i) => [i, 'enough']))
})

test('a disposed hook is not called, even when an earlier one disposes of it', () => {
  const controller = new AbortController()
  const calls: string[] = []
  const hooks = [
    onAbort(controller.signal, () => {
      calls.push('first')
      hooks[1]![Symbol.dispose]()
    }),
    onAbort(controller.signal, () => calls.push('second')),
  ]
  controller.abort()
  expect(calls).toEqual(['first'])
})

test('a signal has one listener while hooks depend on it, and none afterwards', async () => {
  const { signal } = new AbortController()
  const listeners = (): number => getEventListeners(signal, 'abort').length
  const channel = new Channel<number>()
  const receives = upTo(50).map(() => channel.receive(signal))
  expect(listeners()).toBe(1)
  for (const n of upTo(50)) await channel.send(n)
  await Promise.all(receives)
  expect(listeners()).toBe(0)
})
