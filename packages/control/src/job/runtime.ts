import {
  monitorEventLoopDelay,
  performance,
  PerformanceObserver,
  type IntervalHistogram,
} from 'node:perf_hooks'
import process from 'node:process'
import { getHeapStatistics } from 'node:v8'
import type { RuntimeFigures } from '../contract/job.ts'

const nanosecondsPerMs = 1e6
/** How often the delay of the event loop is measured, in milliseconds. */
const resolution = 20
/** The least time after which a measurement of the delay begins anew, in milliseconds. */
const leastMs = 500

/** Measures the process: event loop, garbage collection, memory. It costs two timers, and ends with `dispose`. */
export class Runtime implements Disposable {
  /**
   * Two measurements of the delay, which begin anew in turns, the longer one first. One that begins anew measures from its
   * next timer on: the other one has seen a loop that was blocked before that.
   */
  #delays: readonly [IntervalHistogram, IntervalHistogram] = [
    monitorEventLoopDelay({ resolution }),
    monitorEventLoopDelay({ resolution }),
  ]
  readonly #observer: PerformanceObserver
  #begunAt = performance.now()
  #utilization = performance.eventLoopUtilization()
  #gcMs = 0
  #gcRuns = 0

  constructor() {
    for (const delay of this.#delays) delay.enable()
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#gcMs += duration
        this.#gcRuns++
      }
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  /** The figures now. The delay is that of the last seconds, the utilization that since the last call. */
  read(): RuntimeFigures {
    const [longer, shorter] = this.#delays
    const { mean, max } = longer
    // Several jobs read the figures of one process.
    if (performance.now() - this.#begunAt >= leastMs) {
      longer.reset()
      this.#delays = [shorter, longer]
      this.#begunAt = performance.now()
    }
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
    for (const delay of this.#delays) delay.disable()
    this.#observer.disconnect()
  }
}

function late(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / nanosecondsPerMs - resolution) : 0
}
