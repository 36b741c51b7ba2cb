import type { SimProcess } from '../world/sim-process.ts'

/** One of them. */
interface Paused {
  readonly process: SimProcess
  /** Settles when its job has ended. */
  readonly ended: Promise<unknown>
  /** The step at which it resumes. */
  readonly wakeAt: number
  isOver: boolean
}

/** Processes that are believed dead and later resume where they were paused. They must do no harm then. */
export class PausedProcesses {
  readonly #woken: (process: SimProcess) => void
  #all: Paused[] = []

  /** Calls `woken` for each that resumes. */
  constructor(woken: (process: SimProcess) => void) {
    this.#woken = woken
  }

  /** Pauses a process until the step `wakeAt`; `ended` settles when its job has ended. */
  pause(process: SimProcess, ended: Promise<unknown>, wakeAt: number): void {
    process.pause()
    const paused = { process, ended, wakeAt, isOver: false }
    this.#all.push(paused)
    void ended.then(() => (paused.isOver = true))
  }

  /** How many are at work again and have not ended. */
  get awake(): number {
    return this.#all.filter(({ process, isOver }) => !process.isPaused && !isOver).length
  }

  /** Wakes those whose step has come. */
  at(step: number): void {
    for (const paused of this.#all) if (step >= paused.wakeAt) this.#wake(paused)
  }

  /** Wakes all that still sleep, and waits until each has ended. */
  async wakeAll(): Promise<void> {
    for (const paused of this.#all) {
      this.#wake(paused)
      await paused.ended
    }
  }

  /** The power is lost: none of them ever resumes. */
  kill(): void {
    for (const { process } of this.#all) process.kill()
    this.#all = []
  }

  #wake({ process }: Paused): void {
    if (!process.isPaused) return
    this.#woken(process)
    process.resume()
  }
}
