import type { EventTime } from '@millrace/core'
import {
  backupByReference,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type TimeToLive,
  type Timer,
  type ValueState,
} from '@millrace/core/operator'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/** The row of a key. */
interface LivingRow {
  readonly row: unknown
  /** When it was inserted, or last updated. */
  readonly stamp: number
  /** When the timer of the key fires; undefined without one. */
  readonly timer: number | undefined
}

const living: StateDescriptor<LivingRow> = { name: 'living', backup: backupByReference }

/**
 * Deletes rows of a table that have lived long enough. What reads the table gets the deletion as any other change.
 *
 * Invariant: the row in state is the `after` of the last change emitted for its key.
 */
export class RowLifeOperator implements Operator<unknown, RowChange> {
  readonly fingerprint: Fingerprint
  /** The end of the input is no reason for a row to expire. */
  readonly timersAtEnd = 'keep'
  readonly #ttl: TimeToLive
  #context!: OperatorContext
  #living!: ValueState<LivingRow>

  constructor(ttl: TimeToLive) {
    this.#ttl = ttl
    this.fingerprint = {
      pieces: [statePiece('value', living)],
      settings: [
        { name: 'clock of rows', value: ttl.clock },
        {
          name: 'rows live',
          value: ttl.afterMs,
          unit: 'ms',
          whenChanged: 'rows that exist live so long, at the earliest until the timer that is set for them',
        },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#living = context.value(living)
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<RowChange>): void {
    const { after } = value as RowChange
    const old = this.#living.get()
    const now = this.#now(time)
    if (after === undefined) {
      // The table may have deleted a row that was deleted here before.
      if (old === undefined) return
      this.#forget(old)
    } else if (old === undefined || this.#endOf(old) <= now) {
      this.#keep({ row: after, stamp: now, timer: old?.timer })
    } else {
      const isStamped = this.#ttl.refresh === 'write' && now > old.stamp
      this.#keep({ row: after, stamp: isStamped ? now : old.stamp, timer: old.timer })
    }
    if (!isSameRow(old?.row, after)) out.emit({ key: key!, before: old?.row, after })
  }

  onTimer({ key, time }: Timer, out: Collector<RowChange>): void {
    const old = this.#living.get()
    if (old === undefined) return
    if (this.#endOf(old) > time) this.#keep({ ...old, timer: undefined })
    else {
      this.#living.clear()
      out.emit({ key, before: old.row, after: undefined })
    }
  }

  /** A row has one timer: when it fires too early, it is set again. */
  #keep(row: LivingRow): void {
    const { timers } = this.#context
    if (row.timer !== undefined) return this.#living.set(row)
    const timer = this.#endOf(row)
    if (this.#ttl.clock === 'event') timers.setEvent(timer)
    else timers.setProcessing(timer)
    this.#living.set({ ...row, timer })
  }

  #forget({ timer }: LivingRow): void {
    const { timers } = this.#context
    if (timer !== undefined) {
      if (this.#ttl.clock === 'event') timers.deleteEvent(timer)
      else timers.deleteProcessing(timer)
    }
    this.#living.clear()
  }

  #endOf({ stamp }: LivingRow): number {
    return stamp + this.#ttl.afterMs
  }

  #now(time: EventTime): number {
    return this.#ttl.clock === 'event' ? Math.max(time, this.#context.watermark()) : this.#context.now()
  }
}
