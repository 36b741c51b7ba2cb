import { ManualClock, oversee, seededRandom, systemScheduler } from '@millrace/channels'
import type { Begin, Overseer, Random } from '@millrace/channels'
import { SimProcess } from './sim-process.ts'
import { Trace } from './trace.ts'

/** When simulated time begins unless told otherwise: 2026-01-01T00:00Z. */
const START_MS = 1_767_225_600_000

/** What to simulate. */
export interface SimWorldOptions {
  /** Chooses who goes on next. The same seed gives the same run. */
  readonly seed: number
  /** Where the wall clock starts, in milliseconds since the epoch. Default: the beginning of 2026. */
  readonly startMs?: number
  /** A run that takes more steps than this is stuck in a loop. Default 10 million. */
  readonly stepsMax?: number
  /** Called before each step, while every task waits: the place to kill, pause and break things. */
  readonly onStep?: (step: number) => void
}

/** A wait that has begun and is not over. */
export interface OpenWait {
  readonly kind: string
  /** The channel, clock or group that is waited for. */
  readonly on: object
  readonly process: SimProcess
  /** Since when, in simulated milliseconds since the start. */
  readonly sinceMs: number
}

/** Nothing can happen any more, and somebody still waits. */
export class SimDeadlock extends Error {
  override readonly name = 'SimDeadlock'
  readonly waits: readonly OpenWait[]

  constructor(waits: readonly OpenWait[]) {
    const lines = waits.map(({ kind, process, sinceMs }) => `  ${process.name}: ${kind}, since ${sinceMs} ms`)
    super(
      'all tasks are asleep: nothing is under way, no timer is set, and nobody can wake ' +
        `${lines.length === 0 ? 'whoever waits for a plain promise' : `these:\n${lines.join('\n')}`}`,
    )
    this.waits = waits
  }
}

interface Happening {
  readonly process: SimProcess
  readonly label: string
  readonly happen: () => void
}

/**
 * A world in which one thing happens at a time, chosen by seed.
 *
 * It lets everything run that nobody has to wake: until the microtasks are drained. Then every task waits, and it lets
 * one of the things happen that can happen now: a wait that is over goes on, a disk completes an operation. If there
 * is none, it moves the clock to the next timer. If there is no timer either, nobody can ever wake anybody. So time
 * passes only while every task is durably blocked; that definition is Go's (`testing/synctest`).
 *
 * True between two steps: no microtask is pending; whatever can happen belongs to a process that is alive.
 *
 * @example
 * const world = new SimWorld({ seed: 7 })
 * const sum = await world.run(async () => 1 + 1) // => 2
 */
export class SimWorld {
  /** Simulated time. It moves by itself, from timer to timer; processes are handed a clock of their own. */
  readonly clock: ManualClock
  readonly random: Random
  /** Each step that was taken. */
  readonly trace: Trace = new Trace()
  readonly #options: SimWorldOptions
  readonly #chance: Random
  readonly #ready: Happening[] = []
  readonly #waits = new Set<OpenWait>()
  /** Whose code runs now: what it starts to wait for is its own. */
  #current: SimProcess = new SimProcess(this, 'main')
  #steps = 0

  constructor(options: SimWorldOptions) {
    this.#options = options
    this.random = seededRandom(options.seed)
    this.#chance = this.random.fork('who goes on next')
    this.clock = new ManualClock(options.startMs ?? START_MS)
  }

  /** Whose code runs now; at first, a process called "main". */
  get current(): SimProcess {
    return this.#current
  }

  /** How many steps were taken. */
  get steps(): number {
    return this.#steps
  }

  /** The waits that are open, in the order in which they began. */
  get waits(): readonly OpenWait[] {
    return [...this.#waits]
  }

  /**
   * Runs `code` as part of `process`, beginning at a later step; whatever follows from it is part of it as well.
   *
   * Settles as `code` does, as a step of the caller; never, if the process is killed before.
   */
  start<T>(process: SimProcess, code: () => Promise<T>): Promise<T> {
    const caller = this.#current
    return new Promise((resolve, reject) => {
      this.add(process, 'start', () => {
        void code().then(
          (value) => this.add(caller, `end of ${process.name}`, () => resolve(value)),
          (error: Error) => this.add(caller, `end of ${process.name}`, () => reject(error)),
        )
      })
    })
  }

  /** Adds something that can happen at any later step, as part of `process`. */
  add(process: SimProcess, label: string, happen: () => void): void {
    if (process.isAlive) this.#ready.push({ process, label, happen })
  }

  /** Drops whatever could still happen to a process that was killed. */
  forget(process: SimProcess): void {
    const left = this.#ready.filter((each) => each.process !== process)
    this.#ready.splice(0, this.#ready.length, ...left)
    for (const wait of this.#waits) if (wait.process === process) this.#waits.delete(wait)
  }

  /**
   * Runs `main` until it has settled, and returns or throws what it does.
   *
   * @throws SimDeadlock when nothing can happen any more, and Error when it has taken too many steps.
   */
  async run<T>(main: () => Promise<T>): Promise<T> {
    using _watch = oversee(this.#overseer())
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined
    void main().then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    )
    for (;;) {
      await systemScheduler.turn()
      if (outcome !== undefined) break
      this.#step()
    }
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  #step(): void {
    const { stepsMax = 10_000_000, onStep } = this.#options
    if (this.#steps === stepsMax) {
      throw new Error(`the simulation has not ended after ${stepsMax} steps: a loop without an end?`)
    }
    this.#steps++
    onStep?.(this.#steps)
    const next = this.#choose()
    if (next !== undefined) {
      this.trace.add(`${next.process.name}: ${next.label}`)
      this.#current = next.process
      next.happen()
    } else if (!this.clock.fireNext()) {
      throw new SimDeadlock(this.waits)
    }
  }

  #choose(): Happening | undefined {
    const able = this.#ready.filter(({ process }) => !process.isPaused)
    const next = able.length === 0 ? undefined : able[this.#chance.int(able.length)]
    if (next !== undefined) this.#ready.splice(this.#ready.indexOf(next), 1)
    return next
  }

  #overseer(): Overseer {
    return {
      wait: (kind, on, begin) => this.#wait(kind, on, begin),
      pass: (kind, _on, outcome) =>
        new Promise((resolve) => this.add(this.#current, kind, () => resolve(outcome))),
      run: (task) => task(),
      created() {},
      ended() {},
    }
  }

  #wait<T>(kind: string, on: object, begin: Begin<T>): Promise<T> {
    const wait: OpenWait = { kind, on, process: this.#current, sinceMs: this.clock.monotonic() }
    this.#waits.add(wait)
    const goOn = (settle: () => void): void => {
      if (this.#waits.delete(wait)) this.add(wait.process, kind, settle)
    }
    return new Promise((resolve, reject) => {
      begin(
        (value) => goOn(() => resolve(value)),
        (reason) => goOn(() => reject(reason)),
      )
    })
  }
}
