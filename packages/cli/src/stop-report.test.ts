import { expect, test } from 'vitest'
import { stopReport } from './stop-report.ts'

const now = 1_000_000
const outages = [{ part: 'orders', since: now - 180_000, reason: 'refused', breaker: 'open' as const }]

test('a job that does not stop in time: the report names the phase, what it waits for, and what is down', () => {
  const stop = { phase: 'drain', forMs: 30_000, waitsFor: ['orders', 'audit'] } as const
  expect(stopReport({ stop, outages }, now)).toBe(
    "It was in the phase 'drain', and waited for 'orders', 'audit'. 'orders' has been down for 3 min: refused.",
  )
  expect(stopReport({ stop: { phase: 'checkpoint', forMs: 1, waitsFor: [] }, outages: [] }, now)).toBe(
    "It was in the phase 'checkpoint', and waited for the disk.",
  )
  expect(stopReport({ stop: undefined, outages: [] }, now)).toBe('It was still starting.')
})
