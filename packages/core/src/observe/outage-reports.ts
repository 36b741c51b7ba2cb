import { describeError } from '../errors/errors.ts'
import { maskLogins } from '../errors/mask-logins.ts'
import type { BreakerState } from './outage.ts'

/** What a part says about the system behind it. Plain data: it may come from another thread. */
export type OutageReport =
  | { readonly kind: 'down'; readonly part: string; readonly reporter: number; readonly reason: string }
  | { readonly kind: 'up'; readonly part: string; readonly reporter: number }
  | {
      readonly kind: 'breaker'
      readonly part: string
      readonly subtask: number
      readonly state: BreakerState
    }

/** Passes on what the subtasks and connectors of one worker report; reports that change nothing end here. */
export class OutageReports {
  readonly #tell: (report: OutageReport) => void
  /** Those that are down, by a number that is unique in the worker. */
  readonly #down = new Map<object, number>()
  #next = 0

  constructor(tell: (report: OutageReport) => void) {
    this.#tell = tell
  }

  /** The system behind `part` cannot be reached. `reporter` says later that it can. */
  down(part: string, reporter: object, cause: unknown): void {
    if (this.#down.has(reporter)) return
    const number = this.#next++
    this.#down.set(reporter, number)
    const reason = typeof cause === 'string' ? maskLogins(cause) : describeError(cause)
    this.#tell({ kind: 'down', part, reporter: number, reason })
  }

  up(part: string, reporter: object): void {
    const number = this.#down.get(reporter)
    if (number === undefined) return
    this.#down.delete(reporter)
    this.#tell({ kind: 'up', part, reporter: number })
  }

  breaker(part: string, subtask: number, state: BreakerState): void {
    this.#tell({ kind: 'breaker', part, subtask, state })
  }
}
