import { openSync, readSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'

/** One turn of the event loop, in milliseconds. */
export interface Hold {
  /** Wall time. Other processes make it longer. */
  readonly wallMs: number
  /** CPU time of the thread in it, to about a millisecond. `wallMs` if the system does not report it. */
  readonly cpuMs: number
  /** The part of the wall time in which the garbage collector stopped the thread. */
  readonly gcMs: number
}

interface Turn {
  readonly from: number
  readonly to: number
  readonly cpuMs: number
}

/** Shorter turns are ignored. */
const keptMs = 2

/** Measures how long code in this process blocks the event loop: the time of each of its turns. */
export class LoopWatch implements Disposable {
  readonly #threadTime = new ThreadTime()
  readonly #observer: PerformanceObserver
  #pauses: { readonly from: number; readonly to: number }[] = []
  #turns: Turn[] = []
  #lastAt = performance.now()
  #lastCpuMs = this.#threadTime.ms()
  #isOver = false

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        this.#pauses.push({ from: startTime, to: startTime + duration })
      }
    })
    this.#observer.observe({ entryTypes: ['gc'] })
    setImmediate(this.#look)
  }

  /** The turn with the most CPU time since the previous call. */
  async longest(): Promise<Hold> {
    // The observer is notified of a collection some time after it.
    await new Promise((resolve) => setTimeout(resolve, 50))
    let longest: Turn = { from: 0, to: 0, cpuMs: 0 }
    for (const turn of this.#turns) if (turn.cpuMs > longest.cpuMs) longest = turn
    const { from, to, cpuMs } = longest
    const gcMs = this.#pauses
      .map((pause) => Math.max(0, Math.min(to, pause.to) - Math.max(from, pause.from)))
      .reduce((sum, ms) => sum + ms, 0)
    this.#turns = []
    this.#pauses = []
    return { wallMs: to - from, cpuMs, gcMs }
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#observer.disconnect()
  }

  readonly #look = (): void => {
    const now = performance.now()
    const cpuMs = this.#threadTime.ms()
    const wallMs = now - this.#lastAt
    if (wallMs > keptMs) {
      // The kernel updates the figure at intervals, so a turn may include some time of the previous one.
      this.#turns.push({ from: this.#lastAt, to: now, cpuMs: Math.min(wallMs, cpuMs - this.#lastCpuMs) })
    }
    this.#lastAt = now
    this.#lastCpuMs = cpuMs
    if (!this.#isOver) setImmediate(this.#look)
  }
}

/** The CPU time of the calling thread, from a file on Linux. Elsewhere the wall time is used. */
class ThreadTime {
  readonly #file = openThreadFile()
  readonly #buffer = Buffer.alloc(64)

  ms(): number {
    if (this.#file === undefined) return performance.now()
    const length = readSync(this.#file, this.#buffer, 0, 64, 0)
    return Number.parseInt(this.#buffer.toString('latin1', 0, length), 10) / 1e6
  }
}

function openThreadFile(): number | undefined {
  try {
    return openSync('/proc/thread-self/schedstat', 'r')
  } catch {
    return undefined
  }
}
