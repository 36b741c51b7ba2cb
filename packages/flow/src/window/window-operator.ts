/**
 * Windows of event time, by slices.
 *
 * State is filed under (slice start, key): one cell of accumulators per key and slice. A record is added to one
 * cell however many windows it is in; when a window ends, the cells of its slices are merged for each key and the
 * result is emitted at `end - 1`.
 *
 * True between any two calls:
 *
 *  1. A slice has cells only while some window that holds it is open: the watermark is below the last one's end
 *     plus the allowed lateness.
 *  2. For each slice with cells a sweep is set for every window that holds it and has not ended for every key, and
 *     one that drops the slice.
 *  3. A window that has ended has been emitted with every record that came before its end, and once more with each
 *     record that came after.
 *
 * Sweeps follow from the slices and the watermark, so neither they nor what has been emitted is saved.
 */
import {
  MillraceError,
  statePiece,
  type Cell,
  type Collector,
  type EventTime,
  type Fingerprint,
  type Key,
  type KeyToken,
  type Operator,
  type OperatorContext,
  type StateTable,
  type StreamRecord,
  type Timer,
} from '@millrace/core'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import type { Aggregates } from './aggregate.ts'
import { windowSettings, type Slice, type Window, type WindowAssigner } from './assigner.ts'
import { farthestTime } from './sliding.ts'

/** What a window operator is told. */
export interface WindowParts {
  readonly name: string
  readonly assigner: WindowAssigner
  readonly aggregates: Aggregates<unknown>
  readonly latenessMs: number
}

/** The accumulators of each slice and key. How they are written depends on the aggregates, which say so themselves. */
const slicesPiece = statePiece('slices', { name: 'slices', codec: { id: 'accumulators', version: 1 } })

const latenessSetting = 'allowed lateness'

/** The only operator that knows windows, slices, lateness and aggregates. */
export class WindowOperator implements Operator<unknown, unknown> {
  /** What its state means: the windows, the aggregates, and how slices are filed. */
  readonly fingerprint: Fingerprint
  readonly #assigner: WindowAssigner
  readonly #accumulators: Accumulators
  readonly #latenessMs: number
  #context!: OperatorContext
  #table!: StateTable<unknown>
  #late!: Collector<unknown>
  /** Windows that ended at or before this were closed by an earlier program that allowed less lateness. */
  #closedUpTo: EventTime = Number.NEGATIVE_INFINITY
  /** The slice of the record before: most records are in the same one. NaN is in none. */
  #slice: Slice = {
    start: Number.NaN,
    end: Number.NaN,
    firstWindowEnd: Number.NaN,
    lastWindowEnd: Number.NaN,
  }
  /** From this watermark on a record in `#slice` is late. */
  #closesAt: EventTime = 0
  /** From this watermark on some window that holds `#slice` has ended and may have to be emitted again. */
  #updatesFrom: EventTime = 0
  /** The accumulators of the key that a sweep has just yielded. */
  #ended: unknown = undefined

  constructor({ name, assigner, aggregates, latenessMs }: WindowParts) {
    this.#assigner = assigner
    this.#accumulators = accumulatorsOf(aggregates, name)
    this.#latenessMs = latenessMs
    this.fingerprint = {
      pieces: [slicesPiece, ...this.#accumulators.pieces],
      settings: [
        ...windowSettings(assigner, name),
        { name: latenessSetting, value: latenessMs, unit: 'ms', mayChange: true },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#table = context.table({
      name: slicesPiece.name,
      codec: this.#accumulators.codec,
      backup: (accumulators) => this.#accumulators.backup(accumulators),
    })
    this.#late = context.output('late')
    const closed = context.earlier(latenessSetting).map(({ value, until }) => until - Number(value))
    this.#closedUpTo = Math.max(Number.NEGATIVE_INFINITY, ...closed)
  }

  restored(): void {
    for (const start of this.#table.outers()) this.#resume(start as EventTime)
  }

  /** Drops the slice if it closes sooner than in an earlier program, which allowed more lateness. */
  #resume(sliceStart: EventTime): void {
    const { lastWindowEnd } = this.#assigner.slice(sliceStart)
    if (this.#context.watermark() >= lastWindowEnd + this.#latenessMs) this.#table.deleteOuter(sliceStart)
    else this.#setSweeps(sliceStart)
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { value, time } = record
    if (!(time >= this.#slice.start && time < this.#slice.end)) this.#enter(time)
    const watermark = this.#context.watermark()
    if (watermark >= this.#closesAt) {
      this.#context.count('late')
      this.#late.emit(value)
      return
    }
    const token = this.#context.keyToken()
    const cell = this.#table.find(this.#slice.start, token)
    if (cell === undefined) {
      this.#create(token, value)
    } else {
      cell.value = this.#accumulators.add(cell.value, value)
      this.#table.changed(cell)
    }
    if (watermark >= this.#updatesFrom) this.#emitAgain(record.key!, watermark, out)
  }

  onTimer(timer: Timer, out: Collector<unknown>): void {
    this.#emit(timer.key, timer.time, this.#ended, out)
  }

  #enter(time: EventTime): void {
    if (!(Math.abs(time) <= farthestTime)) {
      throw new MillraceError(
        'TIMESTAMP_INVALID',
        `a record has event time ${time}, which is in no window; windows need milliseconds since the epoch, at most ${farthestTime} from it`,
      )
    }
    const slice = this.#assigner.slice(time)
    this.#slice = slice
    const isClosed = slice.lastWindowEnd <= this.#closedUpTo
    this.#closesAt = isClosed ? Number.NEGATIVE_INFINITY : slice.lastWindowEnd + this.#latenessMs
    this.#updatesFrom = this.#latenessMs === 0 ? Number.POSITIVE_INFINITY : slice.firstWindowEnd
  }

  #create(token: KeyToken, value: unknown): void {
    const { start } = this.#slice
    const accumulators = this.#accumulators.first(value)
    const isFirst = this.#table.count(start) === 0
    this.#table.create(start, token, this.#context.keyGroup(), accumulators)
    if (isFirst) this.#setSweeps(start)
  }

  #setSweeps(sliceStart: EventTime): void {
    const { timers } = this.#context
    for (const { end } of this.#assigner.windowsOfSlice(sliceStart)) {
      timers.setSweep(end, 'end', () => this.#endWindow(end))
    }
    if (this.#latenessMs > 0) {
      const lastEnd = this.#assigner.slice(sliceStart).lastWindowEnd
      timers.setSweep(lastEnd + this.#latenessMs, 'clean-up', () => this.#cleanUp(lastEnd))
    }
  }

  /** Yields a cell of each key in the window, its accumulators in `#ended`. */
  *#endWindow(end: EventTime): Iterable<Cell<unknown>> {
    const slices = this.#assigner.slicesOfWindow(end)
    if (slices.length === 1) {
      for (const cell of this.#table.cells(slices[0]!)) {
        this.#ended = cell.value
        yield cell
      }
    } else {
      for (const { cell, merged } of this.#merge(slices).values()) {
        this.#ended = merged
        yield cell
      }
    }
    this.#ended = undefined
    if (this.#latenessMs === 0) this.#drop(end)
  }

  #cleanUp(end: EventTime): readonly Cell<unknown>[] {
    this.#drop(end)
    return []
  }

  #drop(windowEnd: EventTime): void {
    for (const start of this.#assigner.lastSlicesOfWindow(windowEnd)) this.#table.deleteOuter(start)
  }

  /** The slices as one, by key; keys in order of their first record, slice by slice. */
  #merge(slices: readonly EventTime[]): Map<KeyToken, { readonly cell: Cell<unknown>; merged: unknown }> {
    const keys = new Map<KeyToken, { readonly cell: Cell<unknown>; merged: unknown }>()
    for (const start of slices) {
      for (const cell of this.#table.cells(start)) {
        const key = keys.get(cell.inner)
        if (key === undefined) keys.set(cell.inner, { cell, merged: this.#accumulators.copy(cell.value) })
        else key.merged = this.#accumulators.merge(key.merged, cell.value)
      }
    }
    return keys
  }

  /** A record came after the end of windows that still take it: each of them has a new result. */
  #emitAgain(key: Key, watermark: EventTime, out: Collector<unknown>): void {
    for (const { end } of this.#assigner.windowsOfSlice(this.#slice.start)) {
      if (end > watermark || watermark >= end + this.#latenessMs || end <= this.#closedUpTo) continue
      this.#emit(key, end, this.#accumulatorsOfKey(end), out)
    }
  }

  #accumulatorsOfKey(windowEnd: EventTime): unknown {
    const token = this.#context.keyToken()
    let merged: unknown
    let isFirst = true
    for (const start of this.#assigner.slicesOfWindow(windowEnd)) {
      const cell = this.#table.find(start, token)
      if (cell === undefined) continue
      merged = isFirst ? this.#accumulators.copy(cell.value) : this.#accumulators.merge(merged, cell.value)
      isFirst = false
    }
    return merged
  }

  #emit(key: Key, end: EventTime, accumulators: unknown, out: Collector<unknown>): void {
    const window: Window = { start: this.#assigner.startOf(end), end }
    const result: Record<string, unknown> = { key, window }
    this.#accumulators.results(accumulators, result)
    out.emitAt(end - 1, result)
  }
}
