import type { Clock, Scheduler } from '@millrace/world'

/** The part of a world that a process uses. */
export interface ProcessWorld {
  readonly clock: Clock
  /** Runs `happen` at a later step of `process`. */
  add(process: SimProcess, label: string, happen: () => void): void
  /** Drops all pending steps of `process`. */
  forget(process: SimProcess): void
}

/**
 * A process in a simulated world, which can be killed and paused as a whole.
 *
 * Its code is everything that `SimWorld.enter` started, directly or indirectly. A kill takes effect between two steps:
 * all its waits stay pending, and no further line of it runs.
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

  /** The world's time, with this process's own wall clock. */
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

  /** Runs a function at a later step and resolves with its result, such as a disk operation or an answer. */
  later<T>(label: string, happen: () => T): Promise<T> {
    return new Promise((resolve) => {
      // A function that throws becomes a promise that rejects.
      this.#world.add(this, label, () => resolve((async () => happen())()))
    })
  }

  /** Kills the process, as `kill -9` does. */
  kill(): void {
    this.#state = 'killed'
    this.#world.forget(this)
  }

  /** Pauses the process, as a paused virtual machine; time advances meanwhile. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#wasPaused = true
  }

  /** Resumes a paused process, which cannot notice the pause. */
  resume(): void {
    if (this.#state === 'paused') this.#state = 'running'
  }

  /** Moves this process's wall clock forwards or backwards. Timers are not affected. */
  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms
  }
}
