import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { upTo } from '../test/probe.ts'
import { onAbort } from './cancellation.ts'
import { systemScheduler } from './scheduler.ts'

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

test('a signal has one listener while hooks depend on it, and none after the next turn', async () => {
  const { signal } = new AbortController()
  const listeners = (): number => getEventListeners(signal, 'abort').length
  const hooks = upTo(50).map(() => onAbort(signal, () => undefined))
  expect(listeners()).toBe(1)
  for (const hook of hooks) hook[Symbol.dispose]()
  const last = onAbort(signal, () => undefined)
  await systemScheduler.turn()
  expect(listeners()).toBe(1)
  last[Symbol.dispose]()
  await systemScheduler.turn()
  expect(listeners()).toBe(0)
})
