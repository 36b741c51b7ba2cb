/**
 * Windows of event time, computed from slices.
 *
 * State is stored by (slice start, key): one cell of accumulators per key and slice. A record is added to one cell however
 * many windows contain it; when a window ends, the cells of its slices are merged for each key and the result is emitted at
 * `end - 1`. Windows without records are skipped: the next one to end follows from the slices.
 *
 * Invariants between any two calls:
 *
 *  1. A slice has cells only while some window that contains it is open: the watermark is below the last
 *     one's end plus the allowed lateness.
 *  2. A slice with cells is open while some window that contains it has not ended for every key. A sweep is scheduled for
 *     the first window to end that contains an open slice, and it reschedules itself for the next.
 *  3. With allowed lateness a sweep is scheduled for the time at which the earliest slice is dropped.
 *  4. An ended window has been emitted with every record that arrived before its end, and once more with each
 *     record that arrived after.
 *
 * Sweeps follow from the slices and the watermark, so neither they nor the emitted windows are saved.
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
import {
  checkTime,
  isBetweenWindows,
  isWholeWindow,
  sliceAround,
  windowSettings,
  type Slice,
  type WindowAssigner,
} from './assigner.ts'
import { closedUpTo, latenessSetting } from './lateness.ts'
import { OpenSlices, type OpenKey } from './open-slices.ts'
import { marksOf, SliceMerge } from './slice-merge.ts'
import { SortedTimes } from './sorted-times.ts'
import { windowResult, type AggregateParts } from './window-result.ts'

/** The windows and what to compute in them. */
export interface SliceWindowParts extends AggregateParts {
  readonly assigner: WindowAssigner
}

/** The accumulators of each slice and key. Their encoding depends on the aggregates. */
const slicesPiece = statePiece('slices', { name: 'slices', codec: { id: 'accumulators', version: 1 } })

/** Windows whose bounds do not depend on the data. Those that merge or have a trigger have `TriggeredWindowOperator`. */
export class SliceWindowOperator implements Operator<unknown, unknown> {
  /** The fingerprint of its state: windows, aggregates, and the layout of slices. */
  readonly fingerprint: Fingerprint
  readonly #assigner: WindowAssigner
  readonly #accumulators: Accumulators
  readonly #latenessMs: number
  readonly #hasKey: boolean
  #context!: OperatorContext
  #table!: StateTable<unknown>
  #late!: Collector<unknown>
  /** The starts of slices of which some window has not ended. */
  readonly #open = new SortedTimes()
  /** The keys of open slices that windows share. */
  #shared!: OpenSlices
  /** The starts of slices to be dropped, including open ones. Only with allowed lateness. */
  readonly #kept = new SortedTimes()
  /** For which window and which clean-up a sweep is scheduled. */
  #nextEnd: EventTime = Number.POSITIVE_INFINITY
  #nextCleanUp: EventTime = Number.POSITIVE_INFINITY
  /** The end of the last emitted window. */
  #lastEnd: EventTime = Number.NEGATIVE_INFINITY
  /** Windows that ended at or before this were closed by an earlier program with less allowed lateness. */
  #closedUpTo: EventTime = Number.NEGATIVE_INFINITY
  /** The slice of the previous record: most records are in the same one. NaN is in none. */
  #slice: Slice = {
    start: Number.NaN,
    end: Number.NaN,
    firstWindowEnd: Number.NaN,
    lastWindowEnd: Number.NaN,
  }
  /** Whether windows share `#slice`, and whether it is known to have a cell. */
  #isShared = false
  #hasBegun = false
  /** From this watermark on a record in `#slice` is late. */
  #closesAt: EventTime = 0
  /** From this watermark on some window that contains `#slice` has ended and may have to be emitted again. */
  #updatesFrom: EventTime = 0
  /** The cell that a sweep has just yielded, if its slice is a window by itself. */
  #wholeCell: Cell<unknown> | undefined

  constructor({ name, assigner, aggregates, latenessMs, hasKey = true }: SliceWindowParts) {
    this.#assigner = assigner
    this.#accumulators = accumulatorsOf(aggregates, name)
    this.#latenessMs = latenessMs
    this.#hasKey = hasKey
    this.fingerprint = {
      pieces: [slicesPiece, ...this.#accumulators.pieces],
      settings: [...windowSettings(assigner, name), latenessSetting(latenessMs)],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#table = context.table({
      name: slicesPiece.name,
      codec: this.#accumulators.codec,
      backup: (accumulators) => this.#accumulators.backup(accumulators),
    })
    this.#shared = new OpenSlices(this.#table, this.#accumulators, marksOf(this.#assigner))
    this.#late = context.output('late')
    this.#closedUpTo = closedUpTo(context)
  }

  *restored(): Generator<undefined> {
    for (const start of this.#table.outers()) {
      yield* this.#resume(this.#assigner.slice(start as EventTime))
      yield undefined
    }
  }

  *#resume(slice: Slice): Generator<undefined> {
    if (this.#context.lowestWatermark() >= slice.lastWindowEnd + this.#latenessMs) {
      // It closes earlier than in an earlier program with more allowed lateness.
      this.#table.deleteOuter(slice.start)
      return
    }
    this.#begin(slice)
    if (isWholeWindow(this.#assigner, slice) || !this.#isOpen(slice)) return
    for (const cell of this.#table.cells(slice.start)) {
      this.#shared.add(cell)
      yield undefined
    }
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { value, time } = record
    if (!(time >= this.#slice.start && time < this.#slice.end)) this.#enter(time)
    const watermark = this.#context.watermark()
    if (watermark >= this.#closesAt) {
      if (isBetweenWindows(this.#slice)) this.#context.count('skipped')
      else {
        this.#context.count('late')
        this.#late.emit(value)
      }
      return
    }
    const { start } = this.#slice
    const token = this.#context.keyToken()
    const cell = this.#table.find(start, token)
    if (cell === undefined) {
      const accumulators = this.#accumulators.first(value)
      const isFirst = !this.#hasBegun && this.#table.count(start) === 0
      const created = this.#table.create(start, token, this.#context.keyGroup(), accumulators)
      if (watermark >= this.#updatesFrom) this.#emitAgain(record.key!, watermark, out)
      // The engine undoes only a failed record's changes to the table, so this comes last.
      if (isFirst) this.#begin(this.#slice)
      this.#hasBegun = true
      if (this.#isShared && this.#isOpen(this.#slice)) this.#shared.add(created)
    } else {
      cell.value = this.#accumulators.add(cell.value, value)
      this.#table.changed(cell)
      if (watermark >= this.#updatesFrom) this.#emitAgain(record.key!, watermark, out)
      if (start < this.#lastEnd) this.#shared.changed(token, start)
    }
  }

  onTimer(timer: Timer, out: Collector<unknown>): void {
    const end = timer.time
    const cell = this.#wholeCell
    const accumulators =
      cell === undefined ? this.#shared.merged(this.#assigner.startOf(end), end) : cell.value
    this.#emit(timer.key, end, accumulators, out)
  }

  timesOf({ time: end }: Timer): { readonly from: EventTime; readonly until: EventTime } {
    return { from: this.#assigner.startOf(end), until: end }
  }

  #enter(time: EventTime): void {
    checkTime(time)
    const slice = sliceAround(this.#assigner, time)
    this.#slice = slice
    this.#isShared = !isWholeWindow(this.#assigner, slice)
    this.#hasBegun = false
    const isClosed = slice.lastWindowEnd <= this.#closedUpTo || isBetweenWindows(slice)
    this.#closesAt = isClosed ? Number.NEGATIVE_INFINITY : slice.lastWindowEnd + this.#latenessMs
    this.#updatesFrom = this.#latenessMs === 0 ? Number.POSITIVE_INFINITY : slice.firstWindowEnd
  }

  /** Handles the first cell of a slice. */
  #begin(slice: Slice): void {
    if (this.#isOpen(slice)) {
      this.#open.add(slice.start)
      const watermark = this.#context.lowestWatermark()
      const end = watermark < slice.firstWindowEnd ? slice.firstWindowEnd : this.#endAfter(watermark)
      if (end < this.#nextEnd) {
        this.#nextEnd = end
        this.#context.timers.setSweep(end, 'end', (due) => this.#endWindow(due))
      }
    }
    if (this.#latenessMs > 0) {
      this.#kept.add(slice.start)
      const cleanUp = slice.lastWindowEnd + this.#latenessMs
      if (cleanUp < this.#nextCleanUp) {
        this.#nextCleanUp = cleanUp
        this.#context.timers.setSweep(cleanUp, 'clean-up', (due) => this.#cleanUp(due))
      }
    }
  }

  #isOpen(slice: Slice): boolean {
    return slice.lastWindowEnd > this.#context.lowestWatermark()
  }

  /** The first end of a window after `time`. */
  #endAfter(time: EventTime): EventTime {
    return this.#assigner.slice(time).firstWindowEnd
  }

  /** Yields each key in the window. Returns the end of the next window that contains a slice. */
  *#endWindow(end: EventTime): Generator<Cell<unknown> | OpenKey | undefined, EventTime | undefined> {
    const first = this.#open.first
    if (first !== undefined && first < end) {
      if (isWholeWindow(this.#assigner, this.#assigner.slice(first))) {
        for (const cell of this.#table.cells(first)) {
          this.#wholeCell = cell
          yield cell
        }
        this.#wholeCell = undefined
      } else {
        yield* this.#shared.keysOf(this.#assigner.startOf(end), end)
      }
    }
    this.#lastEnd = end
    const nextEnd = this.#endAfter(end)
    yield* this.#closeUpTo(this.#assigner.startOf(nextEnd))
    const next = this.#open.first
    if (next === undefined) {
      this.#nextEnd = Number.POSITIVE_INFINITY
      return undefined
    }
    this.#nextEnd = Math.max(nextEnd, this.#assigner.slice(next).firstWindowEnd)
    return this.#nextEnd
  }

  /** Closes the slices that start before a time: no window that will end contains them. */
  *#closeUpTo(time: EventTime): Generator<undefined> {
    this.#hasBegun = false
    for (let start = this.#open.first; start !== undefined && start < time; start = this.#open.first) {
      if (!isWholeWindow(this.#assigner, this.#assigner.slice(start))) yield* this.#shared.close(start)
      this.#open.removeFirst()
      if (this.#latenessMs === 0) this.#table.deleteOuter(start)
      yield undefined
    }
  }

  /** Drops the slices whose windows accept no more records. Returns when the next one is to be dropped. */
  *#cleanUp(due: EventTime): Generator<undefined, EventTime | undefined> {
    this.#hasBegun = false
    for (let start = this.#kept.first; start !== undefined; start = this.#kept.first) {
      this.#nextCleanUp = this.#assigner.slice(start).lastWindowEnd + this.#latenessMs
      if (this.#nextCleanUp > due) return this.#nextCleanUp
      this.#kept.removeFirst()
      this.#table.deleteOuter(start)
      yield undefined
    }
    this.#nextCleanUp = Number.POSITIVE_INFINITY
    return undefined
  }

  /** Emits updated results of the ended windows that still accept this late record. */
  #emitAgain(key: Key, watermark: EventTime, out: Collector<unknown>): void {
    const { start, firstWindowEnd, lastWindowEnd } = this.#slice
    const closed = Math.max(watermark - this.#latenessMs, this.#closedUpTo)
    let end = closed < firstWindowEnd ? firstWindowEnd : this.#endAfter(closed)
    const token = this.#context.keyToken()
    const merge = new SliceMerge(this.#accumulators, this.#table, token, marksOf(this.#assigner))
    merge.starts.add(start)
    let next = this.#kept.indexFrom(this.#assigner.startOf(end))
    for (; end <= watermark && end <= lastWindowEnd; end = this.#endAfter(end)) {
      for (; next < this.#kept.size && this.#kept.at(next)! < end; next++) {
        const sliceStart = this.#kept.at(next)!
        if (this.#table.find(sliceStart, token) !== undefined) merge.starts.add(sliceStart)
      }
      this.#emit(key, end, merge.window(this.#assigner.startOf(end), end), out)
    }
  }

  #emit(key: Key, end: EventTime, values: unknown, out: Collector<unknown>): void {
    const window = { start: this.#assigner.startOf(end), end }
    const shown = this.#hasKey ? key : undefined
    out.emitAt(end - 1, windowResult(this.#accumulators, { key: shown, window, values }))
  }
}
