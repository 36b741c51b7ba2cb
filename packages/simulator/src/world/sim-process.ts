import type { Clock, Scheduler } from '@millrace/world'

/** What a process needs of its world. */
export interface ProcessWorld {
  readonly clock: Clock
  /** `happen` is done at a later step of `process`. */
  add(process: SimProcess, label: string, happen: () => void): void
  /** Nothing of `process` happens any more. */
  forget(process: SimProcess): void
}

/**
 * One process in a simulated world: what can be killed and paused as a whole.
 *
 * Its code is whatever was started by `SimWorld.enter`, and everything that follows from it. A kill takes effect
 * between two steps: everything the process waits for stays pending, and not one more line of it runs.
 */
export class SimProcess {
  readonly name: string
  readonly #world: ProcessWorld
  #state: 'running' | 'paused' | 'killed' = 'running'
  #wallOffsetMs = 0
  #wasPaused = false

  constructor(world: ProcessWorld, name: string) {
    this.#world = world
    this.name = name
  }

  /** Gives the other tasks of the world a turn: the caller continues when it is chosen. */
  readonly scheduler: Scheduler = { turn: () => this.later('turn', () => {}) }

  /** The world's time, with this process's own idea of the date. */
  readonly clock: Clock = {
    now: () => this.#world.clock.now() + this.#wallOffsetMs,
    monotonic: () => this.#world.clock.monotonic(),
    schedule: (delayMs, callback) => {
      let isCancelled = false
      const timer = this.#world.clock.schedule(delayMs, () =>
        this.#world.add(this, 'timer', () => {
          if (!isCancelled) callback()
        }),
      )
      return {
        [Symbol.dispose]() {
          isCancelled = true
          timer[Symbol.dispose]()
        },
      }
    },
  }

  get isAlive(): boolean {
    return this.#state !== 'killed'
  }

  get isPaused(): boolean {
    return this.#state === 'paused'
  }

  /** Whether it has ever been paused. */
  get wasPaused(): boolean {
    return this.#wasPaused
  }

  /** Does something at a later step, and resolves with what it returned: an operation of a disk, an answer. */
  later<T>(label: string, happen: () => T): Promise<T> {
    return new Promise((resolve) => {
      // A function that throws becomes a promise that rejects.
      this.#world.add(this, label, () => resolve((async () => happen())()))
    })
  }

  /** Ends the process as `kill -9` does. */
  kill(): void {
    this.#state = 'killed'
    this.#world.forget(this)
  }

  /** Stops the process where it is, as a long pause of a virtual machine does; time advances without it. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#wasPaused = true
  }

  /** Resumes a paused process; it does not know that it was paused. */
  resume(): void {
    if (this.#state === 'paused') this.#state = 'running'
  }

  /** Moves this process's wall clock, forwards or backwards. No timer notices. */
  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms
  }
}
