import { positiveDurationMs, requireKnown, type EventTime } from '@millrace/core'
import {
  backupByReference,
  isThenable,
  refusePromise,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type Timer,
  type ValueState,
} from '@millrace/core/operator'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { TableOptions, Timing } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'
import { justAfter } from '../window/due-times.ts'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/** The newest record of a key. */
interface Newest {
  /** Undefined: the record deleted the row. It is remembered so that an older record does not bring it back. */
  readonly row: unknown
  /** `NaN` on a stream without event time. */
  readonly time: EventTime
  /** Whether a timer is set for the key. */
  readonly hasTimer: boolean
}

const newest: StateDescriptor<Newest> = { name: 'newest', backup: backupByReference }

/** The options of `toTable`, with a number for the duration. */
interface ToTableParts {
  readonly deleteIf: (value: unknown) => boolean
  /** In milliseconds of event time; infinite: rows do not expire. */
  readonly expireAfterMs: number
}

/**
 * Makes a table of a stream: each record is the newest row of its key, or deletes it.
 *
 * Invariant: the row in state is the `after` of the last change emitted for its key.
 */
class ToTableOperator implements Operator<unknown, RowChange> {
  static readonly fingerprint: Fingerprint = { pieces: [statePiece('value', newest)], settings: [] }
  /** The end of the input is no reason for a row to expire. */
  readonly timersAtEnd = 'keep'
  readonly #parts: ToTableParts
  #context!: OperatorContext
  #newest!: ValueState<Newest>
  #late!: Collector<unknown>

  constructor(parts: ToTableParts) {
    this.#parts = parts
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#newest = context.value(newest)
    this.#late = context.output('late')
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<RowChange>): void {
    const old = this.#newest.get()
    const isDeleted: unknown = this.#parts.deleteIf(value)
    if (isThenable(isDeleted)) refusePromise(isDeleted, 'deleteIf returned')
    const row = isDeleted === true ? undefined : value
    // Without event time every comparison is false: then the last record is the newest.
    const isExpired = time <= this.#context.watermark() - this.#parts.expireAfterMs
    if (isExpired || (old !== undefined && time < old.time)) {
      this.#context.count('late')
      this.#late.emit(value)
      return
    }
    this.#keep({ row, time, hasTimer: old?.hasTimer ?? false })
    if (!isSameRow(old?.row, row)) out.emit({ key: key!, before: old?.row, after: row })
  }

  onTimer({ key, time }: Timer, out: Collector<RowChange>): void {
    const old = this.#newest.get()
    if (old === undefined) return
    if (this.#endOf(old) > time) this.#keep({ ...old, hasTimer: false })
    else {
      this.#newest.clear()
      if (old.row !== undefined) out.emit({ key, before: old.row, after: undefined })
    }
  }

  #keep(state: Newest): void {
    if (state.row === undefined && Number.isNaN(state.time)) return this.#newest.clear()
    const end = this.#endOf(state)
    // One timer for each key: when it fires too early, it is set again.
    const hasTimer = state.hasTimer || Number.isFinite(end)
    if (hasTimer && !state.hasTimer) this.#context.timers.setEvent(end)
    this.#newest.set(hasTimer === state.hasTimer ? state : { ...state, hasTimer })
  }

  /** Until when the state of a key is kept. */
  #endOf({ row, time }: Newest): EventTime {
    return row === undefined ? justAfter(time) : time + this.#parts.expireAfterMs
  }
}

/** The parts of the node of `toTable`. */
export function toTableParts(
  name: string,
  timing: Timing,
  options: TableOptions<unknown, 'timed'>,
): OperatorParts {
  requireKnown(`toTable '${name}'`, options, [
    'onError',
    'deleteIf',
    ...(timing === 'timed' ? ['expireAfter'] : []),
  ])
  const { deleteIf, expireAfter } = options
  if (deleteIf !== undefined) requireSynchronous(deleteIf, 'deleteIf of toTable', name)
  const parts: ToTableParts = {
    deleteIf: deleteIf ?? (() => false),
    expireAfterMs:
      expireAfter === undefined
        ? Number.POSITIVE_INFINITY
        : positiveDurationMs(expireAfter, `expireAfter of '${name}'`),
  }
  return {
    type: 'toTable',
    emitsLater: expireAfter !== undefined,
    fingerprint: ToTableOperator.fingerprint,
    outputs: ['late'],
    keeps: expireAfter === undefined ? 'the row of each key' : `the row of each key for ${expireAfter}`,
    create: () => new ToTableOperator(parts),
  }
}
