import type { Clock } from '@millrace/world'
import { MillraceError } from '../errors/errors.ts'
import type { Outage } from '../observe/outage.ts'
import { durationText } from '../record/time.ts'

/** The phases of a stop, in their order. */
export const stopPhases = ['intake', 'drain', 'checkpoint', 'commit', 'close'] as const

/**
 * A phase of a stop: all threads tell their sources to stop; what was read passes all tasks; the last checkpoint becomes durable; the
 * sinks commit it, its savepoint is written, and sources acknowledge it; sources and sinks are closed.
 */
export type StopPhase = (typeof stopPhases)[number]

/** How long each phase of a stop may take, in milliseconds; infinite: as long as it takes. */
export type StopBudgets = Readonly<Record<StopPhase, number>>

/** How far a stop has got. */
export interface StopProgress {
  readonly phase: StopPhase
  /** For how long it has been in that phase, in milliseconds. */
  readonly forMs: number
  /** The tasks, sinks or threads that it waits for; empty if it waits for the disk, or for sources. */
  readonly waitsFor: readonly string[]
}

/** What a stop needs from its attempt. */
export interface StopPhasesParts {
  readonly clock: Clock
  readonly budgets: StopBudgets
  waitsFor(phase: StopPhase): readonly string[]
  outages(): readonly Outage[]
  /** Ends the attempt. */
  fail(error: MillraceError): void
}

/** How long sources and sinks may take to close once another phase has used up its budget, in milliseconds. */
const closeAfterTimeoutMs = 2_000

/**
 * The phases of a stop, each with its budget. A phase that overruns ends the attempt with `STOP_TIMEOUT`, which names the phase
 * and what it waited for.
 */
export class StopPhases {
  readonly #parts: StopPhasesParts
  #phase: StopPhase | undefined
  #since = 0
  #isLimited = false
  #hasOverrun = false
  #alarm: Disposable | undefined
  /** Called when sources and sinks take too long to close. */
  #leave: (error: MillraceError) => void = () => {}

  constructor(parts: StopPhasesParts) {
    this.#parts = parts
  }

  /** Undefined before the stop. */
  get progress(): StopProgress | undefined {
    const phase = this.#phase
    if (phase === undefined) return undefined
    const forMs = this.#parts.clock.monotonic() - this.#since
    return { phase, forMs, waitsFor: this.#parts.waitsFor(phase) }
  }

  /** The budgets apply from now on: the job was asked to stop. The end of its input takes as long as it takes. */
  limit(): void {
    // Asking again does not prolong the phase.
    if (this.#isLimited) return
    this.#isLimited = true
    this.#watch()
  }

  /** Begins a phase, unless a later one has begun. */
  enter(phase: StopPhase): void {
    if (this.#phase !== undefined && stopPhases.indexOf(phase) <= stopPhases.indexOf(this.#phase)) return
    this.#phase = phase
    this.#since = this.#parts.clock.monotonic()
    this.#watch()
  }

  /** Waits until all is closed. Resolves with the error if that takes longer than its budget. */
  async close(closed: Promise<void>): Promise<MillraceError | undefined> {
    this.enter('close')
    const late = new Promise<MillraceError>((resolve) => (this.#leave = resolve))
    const error = await Promise.race([closed.then(() => undefined), late])
    this.#alarm?.[Symbol.dispose]()
    return error
  }

  #watch(): void {
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
    const phase = this.#phase
    if (!this.#isLimited || phase === undefined) return
    const given = this.#parts.budgets[phase]
    const budgetMs = this.#hasOverrun ? Math.min(given, closeAfterTimeoutMs) : given
    if (budgetMs === Infinity) return
    this.#alarm = this.#parts.clock.schedule(budgetMs, () => this.#overrun(phase, budgetMs))
  }

  #overrun(phase: StopPhase, budgetMs: number): void {
    const now = this.#parts.clock.now()
    const down = this.#parts
      .outages()
      .map(
        ({ part, since, reason }) => ` '${part}' has been down for ${durationText(now - since)}: ${reason}.`,
      )
    const waited = waitsText(phase, this.#parts.waitsFor(phase))
    const error = new MillraceError(
      'STOP_TIMEOUT',
      `the job did not stop in time: its phase '${phase}' took longer than ${durationText(budgetMs)} and waited for ${waited}.${down.join('')} ${afterwards[phase]}. If that part is only slow, raise stop.${phase}`,
    )
    this.#hasOverrun = true
    if (phase === 'close') this.#leave(error)
    else this.#parts.fail(error)
  }
}

/** What a phase waits for, in words. */
export function waitsText(phase: StopPhase, waitsFor: readonly string[]): string {
  return waitsFor.length === 0 ? unnamed[phase] : waitsFor.map((name) => `'${name}'`).join(', ')
}

const unnamed: Readonly<Record<StopPhase, string>> = {
  intake: 'its threads',
  drain: 'its last checkpoint',
  checkpoint: 'the disk',
  commit: 'its savepoint, or sources that acknowledge what they have read',
  close: 'its sources and sinks to close',
}

const resumes = 'Nothing after its last checkpoint was committed; start it again to resume from there'

const afterwards: Readonly<Record<StopPhase, string>> = {
  intake: resumes,
  drain: resumes,
  checkpoint: 'Start it again to resume from its last complete checkpoint',
  commit: 'Its last checkpoint is complete, and the next start commits it',
  close: 'All is committed; end the process, which still has the data directory',
}
