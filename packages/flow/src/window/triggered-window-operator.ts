/**
 * Windows of event time that merge, or that have a trigger. Each window of each key has a cell, stored by (id, key). A record
 * is added to each of its windows, so overlapping ones cost as many additions; without a trigger they have `SliceWindowOperator`.
 *
 * Invariants between any two calls:
 *
 *  1. Windows of one key that merge neither overlap nor touch.
 *  2. A window is in state only while the watermark has not passed its end plus the allowed lateness.
 *  3. Records that the last pane of a window did not contain are in it, and the trigger is not due for them.
 *  4. A row of a table stays with its window at the end of the input: a later run updates it.
 *  5. A window is in `#due` at or before the event time at which something is to be done with it: a pane, its
 *     end, or that it is dropped. Its cell then says what. Processing timers are set for times of the clock.
 *
 * What is due follows from the cells, so it is not saved; processing timers are.
 */
import type { EventTime, Key } from '@millrace/core'
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
import { checkTime, windowSettings, type Window } from './assigner.ts'
import { DueWindows } from './due-windows.ts'
import { KeptRecords } from './kept-records.ts'
import { closedUpTo, latenessSetting } from './lateness.ts'
import { layoutOf, type AnyWindows, type WindowLayout } from './layout.ts'
import { backupWindow, newWindow, windowCodec, type OpenWindow } from './open-window.ts'
import { PaneOutput, type PaneParts } from './pane-output.ts'
import type { Pane } from './pane.ts'
import { timingOf, TriggerPlan, type WindowFirings } from './trigger-plan.ts'
import type { Moment } from './trigger.ts'
import type { AggregateParts } from './window-result.ts'

/** The windows, what to compute in them, and when to emit it. */
export interface TriggeredWindowParts extends AggregateParts, PaneParts {
  readonly windows: AnyWindows
  readonly firings: WindowFirings
}

type OpenCell = Cell<OpenWindow>

/** What is due for a window. */
interface Doing {
  readonly cell: OpenCell
  readonly timing: Pane['timing'] | undefined
  readonly isDropped: boolean
}

const windowsPiece = statePiece('windows', { name: 'windows', codec: { id: 'open windows', version: 1 } })

/** Windows that merge, or that have a trigger. All others have `SliceWindowOperator`. */
export class TriggeredWindowOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  /** At the end all windows are dropped, and their timers with them. */
  readonly timersAtEnd = 'drop'
  readonly #layout: WindowLayout
  readonly #accumulators: Accumulators
  /** Whether there is an evictor, so that accumulators are the records themselves. */
  readonly #keepsRecords: boolean
  readonly #plan: TriggerPlan
  readonly #output: PaneOutput
  readonly #latenessMs: number
  #context!: OperatorContext
  #table!: StateTable<OpenWindow>
  #late!: Collector<unknown>
  #due!: DueWindows
  /** Windows that ended at or before this were closed by an earlier program with less allowed lateness. */
  #closedUpTo: EventTime = Number.NEGATIVE_INFINITY
  /** What the sweep that has just yielded wants to be done. */
  #doing!: Doing
  /** The windows that the current record has merged into another, or moved. */
  readonly #removed: OpenCell[] = []

  constructor(parts: TriggeredWindowParts) {
    const { name, windows, aggregates, latenessMs, firings, evictor } = parts
    this.#layout = layoutOf(windows)
    this.#keepsRecords = evictor !== undefined
    this.#accumulators = this.#keepsRecords
      ? new KeptRecords(aggregates, name)
      : accumulatorsOf(aggregates, name)
    this.#plan = new TriggerPlan(firings, name)
    this.#output = new PaneOutput(this.#accumulators, this.#layout, parts)
    this.#latenessMs = latenessMs
    this.fingerprint = {
      pieces: [windowsPiece, ...this.#accumulators.pieces],
      settings: [
        ...windowSettings(windows, name),
        latenessSetting(latenessMs),
        { name: 'panes', value: parts.content },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    const marks = this.#plan.accumulators
    this.#table = context.table({
      name: windowsPiece.name,
      codec: windowCodec(this.#accumulators.codec, marks?.codec),
      backup: (window) => backupWindow(window, this.#accumulators, marks),
      // Windows know when they are looked at again, which is not saved.
      staysLive: true,
    })
    this.#late = context.output('late')
    const [table, layout, plan, latenessMs] = [this.#table, this.#layout, this.#plan, this.#latenessMs]
    const parts = { context, table, layout, plan, latenessMs, staysOpenAtEnd: this.#output.isTable }
    this.#due = new DueWindows(parts, (cells, now) => this.#handle(cells, now))
    this.#closedUpTo = closedUpTo(context)
  }

  *restored(): Generator<undefined> {
    const watermark = this.#context.lowestWatermark()
    for (const id of this.#table.outers()) {
      for (const cell of this.#table.cells(id)) {
        // It closes earlier than in an earlier program with more allowed lateness.
        if (this.#due.dropAt(cell.value) <= watermark && cell.value.records === 0) this.#table.delete(cell)
        else {
          this.#layout.entered(cell)
          this.#due.await(cell, watermark)
        }
        yield undefined
      }
    }
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { value, time, key } = record
    checkTime(time)
    const at = this.#moment(this.#context.watermark())
    const own = this.#layout.windowsOf(value, time)
    const cells: OpenCell[] = []
    this.#removed.length = 0
    for (const window of own) {
      const cell = this.#cellOf(window, { key: key!, watermark: at.watermark }, out)
      if (cell === undefined) continue
      cells.push(cell)
      this.#add(cell, record, at)
      if (this.#plan.isDue(cell.value, at)) this.#emit(cell, key!, timingOf(cell.value), out)
    }
    if (cells.length === 0) {
      this.#context.count(own.length === 0 ? 'skipped' : 'late')
      if (own.length > 0) this.#late.emit(value)
    }
    // The engine undoes only a failed record's changes to the table and its timers, so this comes last.
    for (const cell of this.#removed) this.#layout.left(cell)
    for (const cell of cells) {
      this.#layout.entered(cell)
      this.#settle(cell, at)
    }
  }

  onTimer({ key, name, time, domain }: Timer, out: Collector<unknown>): void {
    if (domain === 'event') {
      const { cell, timing, isDropped } = this.#doing
      if (timing !== undefined) this.#emit(cell, key, timing, out)
      if (isDropped) this.#due.stopClock(cell)
      return
    }
    const cell = this.#table.find(Number(name), this.#context.keyToken())
    if (cell === undefined || cell.value.clockDue !== time) return
    cell.value.clockDue = Number.POSITIVE_INFINITY
    this.#table.changed(cell)
    const at = this.#moment(this.#context.watermark())
    if (this.#plan.isDue(cell.value, at)) this.#emit(cell, key, timingOf(cell.value), out)
    this.#settle(cell, at)
  }

  /** The cell of a window, merged with those that it meets; undefined if it accepts no more records. */
  #cellOf(
    own: Window,
    { key, watermark }: { readonly key: Key; readonly watermark: EventTime },
    out: Collector<unknown>,
  ): OpenCell | undefined {
    const token = this.#context.keyToken()
    const [first, ...others] = this.#layout.met(this.#table, token, own)
    if (first === undefined) {
      if (this.#isLate(own, watermark)) return undefined
      return this.#create(newWindow(own.start, own.end))
    }
    const { value: window } = first
    const start = Math.min(window.start, own.start)
    const end = Math.max(own.end, window.end, ...others.map(({ value }) => value.end))
    if (start === window.start && end === window.end) return first
    // A row is that of a window: one with other bounds is another row.
    for (const { value } of [first, ...others]) this.#output.deleteRow(value, key, out)
    for (const other of others) {
      this.#merge(window, other.value)
      this.#remove(other)
    }
    window.start = start
    window.end = end
    if (this.#layout.overAt(end) > watermark) window.hasEnded = false
    if (this.#layout.idOf(window) === first.outer) return first
    this.#remove(first)
    return this.#create(window)
  }

  #create(window: OpenWindow): OpenCell {
    window.waitsFor = Number.POSITIVE_INFINITY
    const id = this.#layout.idOf(window)
    return this.#table.create(id, this.#context.keyToken(), this.#context.keyGroup(), window)
  }

  #remove(cell: OpenCell): void {
    this.#due.stopClock(cell)
    this.#table.delete(cell)
    this.#removed.push(cell)
  }

  #merge(window: OpenWindow, other: OpenWindow): void {
    if (other.hasValues) {
      window.values = window.hasValues ? this.#accumulators.merge(window.values, other.values) : other.values
      window.hasValues = true
    }
    this.#plan.merge(window, other)
    window.panes = Math.max(window.panes, other.panes)
  }

  #add(cell: OpenCell, { value, time }: StreamRecord<unknown>, at: Moment): void {
    const { value: window } = cell
    const added = this.#keepsRecords ? { value, time } : value
    window.values = window.hasValues
      ? this.#accumulators.add(window.values, added)
      : this.#accumulators.first(added)
    window.hasValues = true
    this.#plan.add(window, value, time, at)
    if (this.#layout.overAt(window.end) <= at.watermark) window.hasEnded = true
    this.#table.changed(cell)
  }

  #emit(cell: OpenCell, key: Key, timing: Pane['timing'], out: Collector<unknown>): void {
    const isLast = this.#due.isClosed(cell.value) && (timing !== 'early' || !this.#plan.firesAtEnd)
    this.#output.emit(cell.value, { key, timing, isLast }, out)
    this.#table.changed(cell)
  }

  /** Waits for the next thing to be done with a window of the current key. */
  #settle(cell: OpenCell, at: Moment): void {
    if (this.#isSpent(cell.value)) {
      this.#due.stopClock(cell)
      this.#table.delete(cell)
    } else {
      this.#due.await(cell, at.watermark)
      this.#due.awaitClock(cell, at.now)
    }
  }

  /** Whether a window that is not kept accepts no more records. */
  #isLate({ end }: Window, watermark: EventTime): boolean {
    if (this.#layout.isEndless) return false
    return end + this.#latenessMs <= watermark || end <= this.#closedUpTo
  }

  /** A window that never ends needs no state once a pane has discarded its records. */
  #isSpent({ hasValues }: OpenWindow): boolean {
    return this.#layout.isEndless && !hasValues
  }

  /** Does what is due at an event time; yields the windows that emit something. */
  *#handle(cells: Iterable<OpenCell | undefined>, now: EventTime): Generator<OpenCell | undefined> {
    const at = this.#moment(now)
    for (const cell of cells) {
      if (cell === undefined) {
        yield undefined
        continue
      }
      const { value: window } = cell
      const isOver = !window.hasEnded && this.#layout.overAt(window.end) <= now
      const isDropped = this.#due.dropAt(window) <= now
      if (isOver) {
        window.hasEnded = true
        this.#table.changed(cell)
      }
      const timing = this.#plan.timingAt(window, at, { isOver, isDropped })
      if (timing !== undefined || (isDropped && window.clockDue < Number.POSITIVE_INFINITY)) {
        this.#doing = { cell, timing, isDropped }
        yield cell
      }
      if (isDropped && !this.#due.isClosed(window)) {
        window.hasEnded = false
        this.#table.changed(cell)
      } else if (isDropped || this.#isSpent(window)) {
        this.#layout.left(cell)
        this.#table.delete(cell)
      } else this.#due.await(cell, now)
    }
  }

  #moment(watermark: EventTime): Moment {
    return { watermark, now: this.#plan.readsClock ? this.#context.now() : Number.NaN }
  }
}
