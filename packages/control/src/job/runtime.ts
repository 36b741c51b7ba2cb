import { monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks'
import process from 'node:process'
import { getHeapStatistics } from 'node:v8'
import type { RuntimeFigures } from '../contract/job.ts'

const nanosecondsPerMs = 1e6
/** How often the delay of the event loop is measured, in milliseconds. */
const resolution = 20

/** Measures the process: event loop, garbage collection, memory. It costs a timer, and ends with `dispose`. */
export class Runtime implements Disposable {
  readonly #delay = monitorEventLoopDelay({ resolution })
  readonly #observer: PerformanceObserver
  #utilization = performance.eventLoopUtilization()
  #gcMs = 0
  #gcRuns = 0

  constructor() {
    this.#delay.enable()
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#gcMs += duration
        this.#gcRuns++
      }
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** The figures now. Delay and utilization are those since the last call. */
  read(): RuntimeFigures {
    const { mean, max } = this.#delay
    this.#delay.reset()
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    return {
      // The timer itself is due once per resolution.
      eventLoopDelayMs: late(mean),
      eventLoopDelayMaxMs: late(max),
      eventLoopUtilization: utilization,
      gcMs: this.#gcMs,
      gcRuns: this.#gcRuns,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      cpuMs: (user + system) / 1_000,
    }
  }

  [Symbol.dispose](): void {
    this.#delay.disable()
    this.#observer.disconnect()
  }
}

function late(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / nanosecondsPerMs - resolution) : 0
}
