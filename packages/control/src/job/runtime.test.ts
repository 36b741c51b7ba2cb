import { monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks'
import process from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Runtime } from './runtime.ts'

/*
 * Each figure is compared with what Node says directly before and directly after it was read, without a wait between
 * them: however slow the machine is, the figure lies between the two.
 */

const MiB = 1_048_576
/** Memory may change by so much between two readings: by what they allocate, and by other threads of the process. */
const toleranceBytes = 16 * MiB

/** Checks that a value lies between two others, in any order, or not further outside than allowed. */
function expectBetween(value: number, [a, b]: readonly [number, number], tolerance = 0): void {
  expect(value).toBeGreaterThanOrEqual(Math.min(a, b) - tolerance)
  expect(value).toBeLessThanOrEqual(Math.max(a, b) + tolerance)
}

test('memory and CPU time are what the process reports, within 16 MiB', () => {
  // So that resident memory and the heap differ by more than what is allowed.
  const outsideHeap = Buffer.alloc(128 * MiB, 1)
  using runtime = new Runtime()
  const [memoryBefore, cpuBefore] = [process.memoryUsage(), process.cpuUsage()]
  const figures = runtime.read()
  const [cpuAfter, memoryAfter] = [process.cpuUsage(), process.memoryUsage()]
  expect(outsideHeap.at(-1)).toBe(1)
  expectBetween(figures.residentBytes, [memoryBefore.rss, memoryAfter.rss], toleranceBytes)
  expectBetween(figures.heapUsedBytes, [memoryBefore.heapUsed, memoryAfter.heapUsed], toleranceBytes)
  const cpuMs = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000
  expectBetween(figures.cpuMs, [cpuMs(cpuBefore), cpuMs(cpuAfter)])
  expect(figures.heapLimitBytes).toBe(getHeapStatistics().heap_size_limit)
})

test('garbage collection: runs and time are those that an observer of the test counts', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  using runtime = new Runtime()
  const durations: number[] = []
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) durations.push(duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  for (let run = 0; run < 5; run++) collect()
  // Node hands the same entries to both observers in one turn.
  while (durations.length < 5) await turn()
  const { gcRuns, gcMs } = runtime.read()
  observer.disconnect()
  expect(gcRuns).toBe(durations.length)
  expect(gcMs).toBeCloseTo(
    durations.reduce((sum, each) => sum + each, 0),
    6,
  )
})

test.each([
  ['after several readings', 3],
  ['directly after the first reading', 1],
])('delay of the event loop: a loop that is blocked %s is seen in full', async (_, readings) => {
  const blockedMs = 200
  const resolutionMs = 20
  const from = performance.now()
  using runtime = new Runtime()
  const own = monitorEventLoopDelay({ resolution: resolutionMs })
  own.enable()
  // Node measures from the first timer on.
  while (own.count < 2 || performance.now() - from < 600) await turn()
  for (let reading = 0; reading < readings; reading++) runtime.read()
  const blockedFrom = performance.now()
  while (performance.now() - blockedFrom < blockedMs);
  const readFrom = own.count
  let [most, mean] = [0, 0]
  while (own.count < readFrom + 3) {
    await turn()
    const { eventLoopDelayMaxMs, eventLoopDelayMs } = runtime.read()
    expect(eventLoopDelayMs).toBeLessThanOrEqual(eventLoopDelayMaxMs)
    if (eventLoopDelayMaxMs > most) [most, mean] = [eventLoopDelayMaxMs, eventLoopDelayMs]
  }
  own.disable()
  // A period of the timer is not counted as a delay, and no delay is longer than the time that has passed.
  expect(most).toBeGreaterThanOrEqual(blockedMs - resolutionMs)
  expect(most).toBeLessThanOrEqual(performance.now() - from)
  expect(mean).toBeGreaterThan(0)
})

test('utilization of the event loop: what Node says of the time between two readings', async () => {
  using runtime = new Runtime()
  // Between two readings without a wait only active time passes.
  const a = performance.eventLoopUtilization()
  runtime.read()
  const b = performance.eventLoopUtilization()
  for (let n = 0; n < 100; n++) await turn()
  const c = performance.eventLoopUtilization()
  const { eventLoopUtilization } = runtime.read()
  const d = performance.eventLoopUtilization()
  const least = performance.eventLoopUtilization(c, b).utilization
  const most = performance.eventLoopUtilization(d, a).utilization
  expectBetween(eventLoopUtilization, [least, most], 1e-9)
})
