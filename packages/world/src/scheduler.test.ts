import { afterEach, expect, test, vi } from 'vitest'
import { microtaskScheduler, systemScheduler } from './scheduler.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  // Files that run later in this process must not get a scheduler that was made under other globals.
  vi.resetModules()
})

test('a turn of the system scheduler lets the event loop run', async () => {
  let hasTimerFired = false
  setTimeout(() => (hasTimerFired = true), 0)
  while (!hasTimerFired) await systemScheduler.turn()
  expect(hasTimerFired).toBe(true)
})

test('promises that need no event loop settle before the turn ends', async () => {
  let steps = 0
  const chain = (async () => {
    for (; steps < 1_000; steps++) await Promise.resolve()
  })()
  await systemScheduler.turn()
  expect(steps).toBe(1_000)
  await chain
})

test('a turn of the microtask scheduler is one microtask', async () => {
  const steps: string[] = []
  const other = Promise.resolve()
    .then(() => steps.push('other 1'))
    .then(() => steps.push('other 2'))
  await microtaskScheduler.turn()
  steps.push('turn')
  await other
  expect(steps).toEqual(['other 1', 'turn', 'other 2'])
})

test('without setImmediate a turn is a message on an own channel', async () => {
  vi.stubGlobal('setImmediate', undefined)
  vi.resetModules()
  const ports: { close(): void }[] = []
  const { MessageChannel } = globalThis
  vi.stubGlobal(
    'MessageChannel',
    class extends MessageChannel {
      constructor() {
        super()
        ports.push(this.port1)
      }
    },
  )
  try {
    const { systemScheduler: browserScheduler } = await import('./scheduler.ts')
    expect(ports).toEqual([])
    let steps = 0
    const chain = (async () => {
      for (; steps < 100; steps++) await Promise.resolve()
    })()
    const order: number[] = []
    const first = browserScheduler.turn().then(() => order.push(1))
    await browserScheduler.turn().then(() => order.push(2))
    expect([steps, ports.length, order]).toEqual([100, 1, [1, 2]])
    await first
    await chain
  } finally {
    // An open port keeps the process alive.
    for (const port of ports) port.close()
  }
})

test('without message channels a turn is a timer, and importing the module does not fail', async () => {
  vi.stubGlobal('setImmediate', undefined)
  vi.stubGlobal('MessageChannel', undefined)
  vi.resetModules()
  const { systemScheduler: bareScheduler } = await import('./scheduler.ts')
  let steps = 0
  const chain = (async () => {
    for (; steps < 100; steps++) await Promise.resolve()
  })()
  await bareScheduler.turn()
  expect(steps).toBe(100)
  await chain
})
