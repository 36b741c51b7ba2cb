/**
 * Windows that end with each record.
 *
 * State is stored by (millisecond, key): a slice of one millisecond has a cell of accumulators for each key with
 * a record in it. When the watermark has passed a slice, the slices of the window that ends with it are merged
 * for each of its keys, at constant cost (`SliceMerge`).
 *
 * Invariants between any two calls:
 *
 *  1. A slice has cells only while a window that is not over contains it.
 *  2. A slice with cells is in `#open`, and in `#pending` until the watermark has passed it.
 *  3. A sweep is scheduled for the first slice that is passed or closed, and reschedules itself.
 *
 * Sweeps follow from the slices and the watermark, so they are not saved.
 */
import type { EventTime } from '@millrace/core'
import {
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
} from '@millrace/core/operator'
import type { Cell, StateTable } from '@millrace/core/store'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import { checkTime, windowSettings } from './assigner.ts'
import { OpenSlices } from './open-slices.ts'
import { floorMod } from './sliding.ts'
import { SortedTimes } from './sorted-times.ts'
import type { TrailingWindows } from './trailing.ts'
import { windowResult, type AggregateParts } from './window-result.ts'

/** The windows and what to compute in them. */
export interface TrailingWindowParts extends Omit<AggregateParts, 'latenessMs'> {
  readonly windows: TrailingWindows
}

const slicesPiece = statePiece('slices', { name: 'slices', codec: { id: 'accumulators', version: 1 } })

/** Windows that end with each record. All others have `SliceWindowOperator` or `TriggeredWindowOperator`. */
export class TrailingWindowOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #size: number
  readonly #hasKey: boolean
  readonly #accumulators: Accumulators
  #context!: OperatorContext
  #table!: StateTable<unknown>
  #late!: Collector<unknown>
  #shared!: OpenSlices
  /** The slices with cells. */
  readonly #open = new SortedTimes()
  /** Those that the watermark has not passed. */
  readonly #pending = new SortedTimes()
  #nextDue: EventTime = Number.POSITIVE_INFINITY

  constructor({ name, windows, aggregates, hasKey = true }: TrailingWindowParts) {
    this.#size = windows.size
    this.#hasKey = hasKey
    this.#accumulators = accumulatorsOf(aggregates, name)
    this.fingerprint = {
      pieces: [slicesPiece, ...this.#accumulators.pieces],
      settings: windowSettings(windows, name),
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#table = context.table({
      name: slicesPiece.name,
      codec: this.#accumulators.codec,
      backup: (accumulators) => this.#accumulators.backup(accumulators),
    })
    this.#shared = new OpenSlices(
      this.#table,
      this.#accumulators,
      (_, end) => end - floorMod(end, this.#size),
    )
    this.#late = context.output('late')
  }

  *restored(): Generator<undefined> {
    for (const outer of this.#table.outers()) {
      const start = outer as EventTime
      this.#begin(start)
      for (const cell of this.#table.cells(start)) {
        this.#shared.add(cell)
        yield undefined
      }
    }
  }

  process({ value, time }: StreamRecord<unknown>): void {
    checkTime(time)
    const start = Math.floor(time)
    if (start + 1 <= this.#context.watermark()) {
      this.#context.count('late')
      this.#late.emit(value)
      return
    }
    const token = this.#context.keyToken()
    const cell = this.#table.find(start, token)
    if (cell !== undefined) {
      cell.value = this.#accumulators.add(cell.value, value)
      this.#table.changed(cell)
      return
    }
    const isFirst = this.#table.count(start) === 0
    const created = this.#table.create(
      start,
      token,
      this.#context.keyGroup(),
      this.#accumulators.first(value),
    )
    // The engine undoes only a failed record's changes to the table, so this comes last.
    if (isFirst) this.#begin(start)
    this.#shared.add(created)
  }

  onTimer({ key, time: end }: Timer, out: Collector<unknown>): void {
    const window = { start: end - this.#size, end }
    const values = this.#shared.merged(window.start, end)
    const shown = this.#hasKey ? key : undefined
    out.emitAt(end - 1, windowResult(this.#accumulators, { key: shown, window, values }))
  }

  /** Handles the first cell of a slice. */
  #begin(start: EventTime): void {
    this.#open.add(start)
    if (start + 1 > this.#context.lowestWatermark()) this.#pending.add(start)
    const due = this.#dueAfter()
    if (due >= this.#nextDue) return
    this.#nextDue = due
    this.#context.timers.setSweep(due, 'end', (now) => this.#pass(now))
  }

  /** When the next slice is passed or closed. */
  #dueAfter(): EventTime {
    const passed = (this.#pending.first ?? Number.POSITIVE_INFINITY) + 1
    return Math.min(passed, (this.#open.first ?? Number.POSITIVE_INFINITY) + this.#size)
  }

  /** Yields the keys of the slice that is passed, then closes the slices that no later window contains. */
  *#pass(now: EventTime): Generator<Cell<unknown> | undefined, EventTime | undefined> {
    if (this.#pending.first === now - 1) {
      for (const cell of this.#table.cells(now - 1)) {
        yield* this.#shared.prepared(cell.inner, now - this.#size, now)
        yield cell
      }
      this.#pending.removeFirst()
    }
    for (let start = this.#open.first; start !== undefined && start + this.#size <= now;) {
      yield* this.#shared.close(start)
      this.#open.removeFirst()
      this.#table.deleteOuter(start)
      yield undefined
      start = this.#open.first
    }
    this.#nextDue = this.#dueAfter()
    return this.#nextDue < Number.POSITIVE_INFINITY ? this.#nextDue : undefined
  }
}
