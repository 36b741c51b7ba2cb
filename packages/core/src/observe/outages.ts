import type { JobObserver } from './job-events.ts'
import type { BreakerState, Outage } from './outage.ts'
import type { OutageReport } from './outage-reports.ts'

interface Entry {
  readonly since: number
  readonly sinceMonotonic: number
  readonly reason: string
  /** Those that have reported it and have not recovered, as `WORKER/NUMBER`. */
  readonly reporters: Set<string>
  breaker: BreakerState | undefined
}

/** The outages of one attempt. A part is down from the first report until every reporter has recovered. */
export class Outages {
  readonly #clock: { now(): number; monotonic(): number }
  readonly #observer: JobObserver
  readonly #entries = new Map<string, Entry>()

  constructor(clock: { now(): number; monotonic(): number }, observer: JobObserver) {
    this.#clock = clock
    this.#observer = observer
  }

  get list(): readonly Outage[] {
    return [...this.#entries].map(([part, { since, reason, breaker }]) => ({ part, since, reason, breaker }))
  }

  /** Handles a report of a worker. */
  take(worker: number, report: OutageReport): void {
    switch (report.kind) {
      case 'down':
        return this.#down(report.part, `${worker}/${report.reporter}`, report.reason)
      case 'up':
        return this.#up(report.part, `${worker}/${report.reporter}`)
      case 'breaker': {
        const { part, subtask, state } = report
        const entry = this.#entries.get(part)
        if (entry !== undefined) entry.breaker = state
        this.#observer({ kind: 'breaker', part, subtask, state })
      }
    }
  }

  #down(part: string, reporter: string, reason: string): void {
    const known = this.#entries.get(part)
    if (known !== undefined) {
      known.reporters.add(reporter)
      return
    }
    const since = this.#clock.now()
    const sinceMonotonic = this.#clock.monotonic()
    this.#entries.set(part, {
      since,
      sinceMonotonic,
      reason,
      reporters: new Set([reporter]),
      breaker: undefined,
    })
    this.#observer({ kind: 'outage', part, since, reason })
  }

  #up(part: string, reporter: string): void {
    const entry = this.#entries.get(part)
    if (entry === undefined || !entry.reporters.delete(reporter) || entry.reporters.size > 0) return
    this.#entries.delete(part)
    this.#observer({ kind: 'recovered', part, downMs: this.#clock.monotonic() - entry.sinceMonotonic })
  }
}
