import type { Clock } from '@millrace/world'
import type { Gate } from './gate.ts'

/** How long a task should need for its waiting records, in milliseconds. */
const waitMs = 1_000

/** How long a task is busy between two measurements, in milliseconds. */
const windowMs = 250

/**
 * Limits the records waiting before a slow task by time: its inputs get credit for what it processes in about
 * a second.
 *
 * Only busy time counts, so a quiet input or a full output does not make it look slow.
 */
export class InputLimit {
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #least: number
  #limit: number
  #records = 0
  #busyMs = 0
  #since: number | undefined

  /** `least` is how many records may always wait, `first` how many before the first measurement. */
  constructor(
    gate: Gate,
    clock: Clock,
    { least, first }: { readonly least: number; readonly first: number },
  ) {
    this.#gate = gate
    this.#clock = clock
    this.#least = least
    this.#limit = first
    gate.limit(first)
  }

  /** Starts the busy time. */
  begin(): void {
    this.#since ??= this.#clock.monotonic()
  }

  /** Counts `records` processed since the last call; with `isIdle` the busy time ends. */
  done(records: number, isIdle: boolean): void {
    const now = this.#clock.monotonic()
    this.#busyMs += now - (this.#since ?? now)
    this.#since = isIdle ? undefined : now
    this.#records += records
    if (this.#busyMs < windowMs && this.#records < this.#limit) return
    this.#limit = Math.max(this.#least, (this.#records / this.#busyMs) * waitMs)
    this.#gate.limit(this.#limit)
    this.#records = 0
    this.#busyMs = 0
  }
}
