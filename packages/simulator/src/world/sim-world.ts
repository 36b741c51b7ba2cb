import { ManualClock, installWaitRegistry, seededRandom, systemClock, systemScheduler } from '@millrace/world'
import type { Begin, Clock, Random, System, WaitRegistry } from '@millrace/world'
import type { Roster } from '@millrace/channels'
import { OutsideWork } from './outside-work.ts'
import { uniform } from './schedule-policy.ts'
import type { Candidate, SchedulePolicy } from './schedule-policy.ts'
import { SimProcess } from './sim-process.ts'
import { EndlessRun, OutsideWait, SimDeadlock } from './standstill.ts'
import type { OpenWait } from './standstill.ts'
import { Trace } from './trace.ts'

/** When simulated time begins by default: 2026-01-01T00:00Z. */
const START_MS = 1_767_225_600_000

/** A ready strand runs after it was passed over for this many steps: a policy may not starve it longer. */
const PATIENCE_STEPS = 300
/** How long the world waits for a call to the real world before it continues without it, in real milliseconds. */
const FOREIGN_CALL_MS = 250

/** Options of a simulated world. */
export interface SimWorldOptions {
  /** The seed of all choices. The same seed gives the same run. */
  readonly seed: number
  /** Where the wall clock starts, in milliseconds since the epoch. Default: the beginning of 2026. */
  readonly startMs?: number
  /** A run that takes more steps than this is stuck in a loop. Default 10 million. */
  readonly stepsMax?: number
  /** Called before each step, while every task waits. Kills, pauses and faults belong here. */
  readonly onStep?: (step: number) => void
  /** Chooses what runs next. Default: every strand with the same probability. */
  readonly policy?: SchedulePolicy
  /** Records every task, wait, channel and scope, so that failures show which task waits on what. */
  readonly roster?: (clock: Clock) => Roster
}

/** A running call to the real world. */
interface ForeignCall {
  readonly label: string
  isLeft: boolean
}

interface Happening extends Candidate {
  readonly process: SimProcess
  /** The step after which it could have ended. */
  readonly since: number
  readonly label: string
  /** The task it belongs to, if a roster is in use. */
  readonly task: string | undefined
  readonly happen: () => void
}

/**
 * A world in which one step happens at a time, chosen by seed.
 *
 * It first drains all microtasks, until every task waits. Then it takes one possible step: a finished wait resumes, or
 * a disk completes an operation. Without a possible step it moves the clock to the next timer. Without a timer either,
 * no task can ever resume. So time passes only while every task is durably blocked, as defined by Go's
 * `testing/synctest`.
 *
 * Invariant between two steps: no microtask is pending, and all possible steps belong to live processes and are in the
 * order in which they became possible.
 *
 * @example
 * const world = new SimWorld({ seed: 7 })
 * const sum = await world.run(async () => 1 + 1) // => 2
 */
export class SimWorld {
  /** Simulated time. It advances on its own from timer to timer; each process has its own clock. */
  readonly clock: ManualClock
  readonly random: Random
  /** The trace of all steps. */
  readonly trace: Trace = new Trace()
  readonly #options: SimWorldOptions
  /** Randomness for code that uses the system's, such as every select without its own source. */
  readonly #chance: Random
  readonly #policy: SchedulePolicy
  readonly #roster: Roster | undefined
  readonly #ready: Happening[] = []
  /** Tasks that resume when nothing else can. */
  readonly #settling: Happening[] = []
  readonly #waits = new Set<OpenWait>()
  /** The process whose code runs now; the waits that it begins belong to it. */
  #current: SimProcess = new SimProcess(this, 'main')
  /** The strand whose code runs now; undefined once it waits. */
  #strand: number | undefined = 0
  #strands = 1
  #steps = 0
  /** The running calls to the real world, and whether the world continues without them. */
  readonly #foreign = new Set<ForeignCall>()
  /** Whether the world itself uses the real clock or event loop now. */
  #isHostAsked = false

  constructor(options: SimWorldOptions) {
    this.#options = options
    this.random = seededRandom(options.seed)
    this.clock = new ManualClock(options.startMs ?? START_MS)
    this.#chance = this.random.fork('system')
    this.#policy = options.policy ?? uniform(this.random.fork('who goes on next'))
    this.#roster = options.roster?.(this.clock)
  }

  /** The process whose code runs now; at first one called "main". */
  get current(): SimProcess {
    return this.#current
  }

  /** The number of steps so far. */
  get steps(): number {
    return this.#steps
  }

  /** The pending waits, in the order in which they began. */
  get waits(): readonly OpenWait[] {
    return [...this.#waits]
  }

  /** Describes which task waits on what; undefined without a roster. */
  get waitsText(): string | undefined {
    return this.#roster?.dump()
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

  /** Adds a possible later step of `process`. */
  add(process: SimProcess, label: string, happen: () => void): void {
    const task = this.#roster?.running?.name
    this.#add({ process, label, strand: this.#takeStrand(), task, since: this.#steps, happen })
  }

  /**
   * Waits until every other task is durably blocked: until no step is possible before time advances.
   *
   * Several callers resume in call order, each once no step is possible again.
   */
  settle(): Promise<void> {
    const [process, strand, since] = [this.#current, this.#takeStrand(), this.#steps]
    const task = this.#roster?.running?.name
    return new Promise((resolve) => {
      this.#settling.push({ process, strand, since, label: 'settled', task, happen: resolve })
    })
  }

  /**
   * Makes a call to real code outside of the world, as part of `process`. The world pauses meanwhile, so the duration
   * makes no difference. If a call waits for the world itself, or never returns, the world continues without it after a
   * while.
   */
  foreign<T>(process: SimProcess, label: string, call: () => Promise<T>): Promise<T> {
    const underWay: ForeignCall = { label, isLeft: false }
    this.#foreign.add(underWay)
    const settle = (happen: () => void): void => {
      this.#foreign.delete(underWay)
      this.add(process, label, happen)
    }
    return new Promise((resolve, reject) => {
      call().then(
        (value) => settle(() => resolve(value)),
        (error: Error) => settle(() => reject(error)),
      )
    })
  }

  /** Drops all pending steps of a killed process. */
  forget(process: SimProcess): void {
    for (const line of [this.#ready, this.#settling]) {
      const left = line.filter((each) => each.process !== process)
      line.splice(0, line.length, ...left)
    }
    for (const wait of this.#waits) if (wait.process === process) this.#waits.delete(wait)
  }

  /**
   * Runs `main` until it has settled; returns its result or throws its error.
   *
   * @throws SimDeadlock when no step is possible any more, OutsideWait when a task waits for the real world, and
   * EndlessRun after too many steps.
   */
  async run<T>(main: () => Promise<T>): Promise<T> {
    const outside = new OutsideWork()
    using _roster = this.#roster
    using _watch = installWaitRegistry(this.#registry())
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined
    void main().then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    )
    for (;;) {
      await this.#turnOfHost()
      if (outcome !== undefined) break
      await this.#standStill()
      this.#step(outside)
    }
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async #standStill(): Promise<void> {
    if (!this.#isWaitedFor) return
    const now = (): number => this.#ofHost(() => systemClock.monotonic())
    const until = now() + FOREIGN_CALL_MS
    while (this.#isWaitedFor) {
      await this.#turnOfHost()
      const mayGoOn = this.#ready.length > 0 || this.clock.pending > 0
      if (mayGoOn && now() > until) for (const call of this.#foreign) call.isLeft = true
    }
  }

  get #isWaitedFor(): boolean {
    for (const { isLeft } of this.#foreign) if (!isLeft) return true
    return false
  }

  #step(outside: OutsideWork): void {
    const { stepsMax = 10_000_000, onStep } = this.#options
    if (this.#steps === stepsMax)
      throw new EndlessRun(
        stepsMax,
        [...this.#foreign].map(({ label }) => label),
      )
    this.#steps++
    onStep?.(this.#steps)
    const next = this.#choose()
    if (next !== undefined) {
      const { process, label, task, strand } = next
      const line = `${process.name}: ${label}`
      this.trace.add(line, strand, task === undefined ? line : `"${task}": ${label}`)
      this.#current = next.process
      this.#strand = next.strand
      next.happen()
    } else if (!this.#moveTime()) {
      throw this.#standstill(outside.begun())
    }
  }

  /** Fires the next timer and all others due at the same instant. Returns false without a timer. */
  #moveTime(): boolean {
    // A timer belongs to no strand: what it starts begins one.
    this.#strand = undefined
    if (!this.clock.fireNext()) return false
    while (this.clock.nextDelay() === 0) this.clock.fireNext()
    return true
  }

  #standstill(outside: readonly string[]): Error {
    const { waits, waitsText } = this
    return outside.length > 0 ? new OutsideWait(outside, waits, waitsText) : new SimDeadlock(waits, waitsText)
  }

  #choose(): Happening | undefined {
    const able = this.#ready.some(({ process }) => process.isPaused)
      ? this.#ready.filter(({ process }) => !process.isPaused)
      : this.#ready
    if (able.length === 0) return this.#settled()
    const isOverdue = this.#steps - able[0]!.since > PATIENCE_STEPS
    const next = able[isOverdue ? 0 : this.#policy.choose(able)]!
    this.#ready.splice(this.#ready.indexOf(next), 1)
    return next
  }

  #settled(): Happening | undefined {
    const index = this.#settling.findIndex(({ process }) => !process.isPaused)
    // What is due at this very instant comes before.
    return index === -1 || this.clock.nextDelay() === 0 ? undefined : this.#settling.splice(index, 1)[0]
  }

  #add(happening: Happening): void {
    if (happening.process.isAlive) this.#ready.push(happening)
  }

  #takeStrand(): number {
    const strand = this.#strand ?? this.#strands++
    this.#strand = undefined
    return strand
  }

  #registry(): WaitRegistry {
    const system = (): System | undefined => (this.#isHostAsked ? undefined : this.#system())
    return {
      get system() {
        return system()
      },
      wait: (kind, on, begin) => this.#wait(kind, on, begin),
      pass: (kind, _on, outcome) =>
        new Promise((resolve) => this.add(this.#current, kind, () => resolve(outcome))),
      run: (task, _owner, name) => this.#run(task, name),
      created: (kind, thing, name) => this.#roster?.created(kind, thing, name),
      ended: (thing) => this.#roster?.ended(thing),
    }
  }

  /** Replacements of the system's clock and randomness: the current process's time, and the seed. */
  #system(): System {
    return { clock: this.#current.clock, random: this.#chance, scheduler: { turn: () => this.settle() } }
  }

  /** Runs all code that can run without a step. */
  #turnOfHost(): Promise<void> {
    return this.#ofHost(() => systemScheduler.turn())
  }

  /** Calls the real system, which only this can reach while the world runs. */
  #ofHost<T>(ask: () => T): T {
    this.#isHostAsked = true
    const answer = ask()
    this.#isHostAsked = false
    return answer
  }

  #run<T>(task: () => Promise<T>, name: string | undefined): Promise<T> {
    const starter = this.#strand
    this.#strand = this.#strands++
    try {
      return this.#roster === undefined ? task() : this.#roster.run(task, name)
    } finally {
      this.#strand = starter
    }
  }

  #wait<T>(kind: string, on: object, begin: Begin<T>): Promise<T> {
    const wait: OpenWait = { kind, on, process: this.#current, sinceMs: this.clock.monotonic() }
    const [strand, watched] = [this.#takeStrand(), this.#roster?.begin(kind, on)]
    this.#waits.add(wait)
    const goOn = (settle: () => void): void => {
      if (!this.#waits.delete(wait)) return
      if (watched !== undefined) this.#roster?.end(watched)
      const task = watched?.task?.name
      this.#add({ process: wait.process, label: kind, strand, task, since: this.#steps, happen: settle })
    }
    return new Promise((resolve, reject) => {
      const fail = (reason: Error): void => goOn(() => reject(reason))
      try {
        begin((value) => goOn(() => resolve(value)), fail)
      } catch (error) {
        // What cannot begin has ended: a wait under a signal that has aborted.
        fail(error as Error)
      }
    })
  }
}
