import type { Clock } from '@millrace/world'

/** What a subtask waits for: room at the next task, input, or calls and writes that it has begun. */
export type Waiting = 'backPressured' | 'idle' | 'calling'

/** How long a subtask has done what since it started, in milliseconds. */
export interface TimeSpent {
  /** It ran, or waited for calls and writes that it had begun. */
  readonly busyMs: number
  readonly backPressuredMs: number
  readonly idleMs: number
  /** It had something to do, while others had the event loop. */
  readonly waitingMs: number
}

/**
 * Knows which subtask of an event loop runs, so that none is charged for the time of another. One for each thread.
 *
 * Subtasks say when they run and when they wait, which is once per batch at most.
 */
export class LoopTimes {
  readonly #clock: Clock
  #running: WorkTimes | undefined
  #since = 0
  /** Undefined while no profile is made. */
  #turns: LoopTurn[] | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the time of the running subtask: the event loop gets its turn. */
  readonly leave = (): void => {
    if (this.#running !== undefined) this.change(undefined, this.now())
  }

  now(): number {
    return this.#clock.monotonic()
  }

  get running(): WorkTimes | undefined {
    return this.#running
  }

  /** `next` runs from `now` on; the time until then belongs to the one before. */
  change(next: WorkTimes | undefined, now: number): void {
    this.#running?.ran(now - this.#since)
    this.#running = next
    this.#since = now
    if (this.#turns !== undefined && this.#turns.length < turnsMax) this.#turns.push({ at: now, times: next })
  }

  /** Notes from now on which subtask runs. */
  noteTurns(): void {
    this.#turns = [{ at: this.now(), times: this.#running }]
  }

  /** What was noted, and notes no more. */
  turns(): readonly LoopTurn[] {
    const turns = this.#turns ?? []
    this.#turns = undefined
    return turns
  }
}

/** A subtask runs from `at` on; undefined: none does. */
export interface LoopTurn {
  readonly at: number
  readonly times: WorkTimes | undefined
}

/** More turns are not noted, so that a profile has a bounded size. */
const turnsMax = 1_000_000

/**
 * How long one subtask has run and waited.
 *
 * Invariant: at any moment it either waits for one thing or has something to do, so its times add up to the time since
 * it was made.
 */
export class WorkTimes {
  readonly #loop: LoopTimes
  #waiting: Waiting | undefined = 'idle'
  #since: number
  #ranMs = 0
  #readyMs = 0
  readonly #waited = { backPressured: 0, idle: 0, calling: 0 }

  constructor(loop: LoopTimes) {
    this.#loop = loop
    this.#since = loop.now()
  }

  /** It runs now. Costs nothing if it already did. */
  run(): void {
    if (this.#loop.running === this) return
    const now = this.#loop.now()
    this.#loop.change(this, now)
    if (this.#waiting !== undefined) this.#become(undefined, now)
  }

  /** It waits now, until it runs again. */
  wait(waiting: Waiting): void {
    const now = this.#loop.now()
    if (this.#loop.running === this) this.#loop.change(undefined, now)
    this.#become(waiting, now)
  }

  /** Called by the loop. */
  ran(ms: number): void {
    this.#ranMs += ms
  }

  read(): TimeSpent {
    const now = this.#loop.now()
    if (this.#loop.running === this) this.#loop.change(this, now)
    this.#become(this.#waiting, now)
    const { backPressured, idle, calling } = this.#waited
    return {
      busyMs: this.#ranMs + calling,
      backPressuredMs: backPressured,
      idleMs: idle,
      waitingMs: Math.max(0, this.#readyMs - this.#ranMs),
    }
  }

  #become(next: Waiting | undefined, now: number): void {
    const before = this.#waiting
    if (before === undefined) this.#readyMs += now - this.#since
    else this.#waited[before] += now - this.#since
    this.#waiting = next
    this.#since = now
  }
}
