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

/** Processes that were replaced while paused, and later resume. They must not change any result. */
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

  /** The number of resumed processes that have not ended. */
  get awake(): number {
    return this.#all.filter(({ process, isOver }) => !process.isPaused && !isOver).length
  }

  /** Resumes the processes whose step is due. */
  at(step: number): void {
    for (const paused of this.#all) if (step >= paused.wakeAt) this.#wake(paused)
  }

  /** Resumes all paused processes, and waits until each has ended. */
  async wakeAll(): Promise<void> {
    for (const paused of this.#all) {
      this.#wake(paused)
      await paused.ended
    }
  }

  /** Called on power loss: no paused process resumes. */
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
