import type { Clock, ManualClock, Scheduler } from '@millrace/world'

/** How a process behaves, in milliseconds. */
export interface ProcessManners {
  /** By how much its wall clock is ahead. */
  readonly skewMs: number
  /** How long a turn of its work takes. */
  readonly turnMs: number
}

/**
 * A process of the simulation. All that happens in it begins with a timer of its clock, an operation of its disk or an answer of the
 * cluster, and these pass here: so it can be frozen and killed as a whole, between two of them.
 *
 * Invariant between any two calls: what is due in a frozen process waits in `#due`, in its order; a dead one has nothing.
 */
export class Process {
  readonly name: string
  readonly #world: ManualClock
  readonly #skewMs: number
  #due: (() => void)[] = []
  #thawed: (() => void)[] = []
  #state: 'running' | 'frozen' | 'dead' = 'running'

  constructor(name: string, world: ManualClock, { skewMs, turnMs }: ProcessManners) {
    this.name = name
    this.#world = world
    this.#skewMs = skewMs
    this.scheduler = { turn: () => this.later(turnMs) }
  }

  readonly clock: Clock = {
    now: () => Math.floor(this.#world.now()) + this.#skewMs,
    monotonic: () => this.#world.monotonic(),
    schedule: (delayMs, callback) => {
      let isCancelled = false
      const fire = (): void => {
        if (!isCancelled) callback()
      }
      const timer = this.#world.schedule(delayMs, () => this.#run(fire))
      return {
        [Symbol.dispose]() {
          isCancelled = true
          timer[Symbol.dispose]()
        },
      }
    },
  }

  readonly scheduler: Scheduler

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  /** Resolves after a time, unless the process is killed before. */
  later(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(delayMs, resolve))
  }

  /** Stops it, as SIGSTOP or a paused virtual machine does. */
  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen'
  }

  /** It continues, and cannot notice that it was frozen. What came due meanwhile happens in its order. */
  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'running'
    const due = this.#due
    this.#due = []
    for (const action of due) this.#world.schedule(0, () => this.#run(action))
    for (const thawed of this.#thawed.splice(0)) this.#world.schedule(0, () => this.#run(thawed))
  }

  /** Resolves when a frozen process continues. */
  thawed(): Promise<void> {
    return new Promise((resolve) => this.#thawed.push(resolve))
  }

  /** Kills it, as SIGKILL does: no further line of it runs. */
  kill(): void {
    this.#state = 'dead'
    this.#due = []
  }

  #run(action: () => void): void {
    if (this.#state === 'frozen') this.#due.push(action)
    else if (this.#state === 'running') action()
  }
}
