/**
 * Joins the rows that two sides have in one window, for each key, when the window ends.
 *
 * State is filed under (slice start, key), a table for each side: a row is kept once however many windows it is in.
 *
 * Invariants between any two calls:
 *
 *  1. A slice has cells only while some window that holds it has not ended.
 *  2. Every slice with cells is in `#open`, and a sweep is set for the first window to end that holds one of them. It
 *     sets itself again for the next.
 *
 * Sweeps follow from the slices and the watermark, so they are not saved.
 */
import type { EventTime, Key } from '@millrace/core'
import {
  backupByLength,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
} from '@millrace/core/operator'
import { tokenKey, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import {
  checkTime,
  isBetweenWindows,
  sliceAround,
  windowSettings,
  type Slice,
  type Window,
  type WindowAssigner,
} from '../window/assigner.ts'
import { SortedTimes } from '../window/sorted-times.ts'
import type { Matching } from './row-matching.ts'

/** The rows of one key in one window. */
export interface WindowGroup {
  readonly key: Key
  readonly window: Window
  readonly left: readonly unknown[]
  readonly right: readonly unknown[]
}

/** The options of a window join. */
export interface WindowJoinParts {
  readonly name: string
  readonly assigner: WindowAssigner
  /** What it emits, for the fingerprint: "inner", "cogroup". */
  readonly kind: string
  /** Whether rows of each side come out, or count, without a partner: then those without a key are kept, too. */
  readonly keepsUnmatched: readonly [left: boolean, right: boolean]
  /** What comes of the rows of one key in one window. */
  match(group: WindowGroup): readonly Matching[]
}

/** The number of results that are emitted before the event loop may have a turn. */
const resultsAtOnce = 256

export class WindowJoinOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #parts: WindowJoinParts
  #context!: OperatorContext
  #sides!: readonly [left: StateTable<unknown[]>, right: StateTable<unknown[]>]
  #late!: readonly [Collector<unknown>, Collector<unknown>]
  /** The starts of slices with cells. */
  readonly #open = new SortedTimes()
  #nextEnd: EventTime = Number.POSITIVE_INFINITY
  /** The slice of the record before. NaN is in none. */
  #slice: Slice = {
    start: Number.NaN,
    end: Number.NaN,
    firstWindowEnd: Number.NaN,
    lastWindowEnd: Number.NaN,
  }
  /** What a sweep lets out next. */
  #leaving: { readonly matching: Matching; readonly from: number } | undefined

  constructor(parts: WindowJoinParts) {
    this.#parts = parts
    this.fingerprint = {
      pieces: [statePiece('rows', { name: 'left' }), statePiece('rows', { name: 'right' })],
      settings: [{ name: 'join', value: parts.kind }, ...windowSettings(parts.assigner, parts.name)],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    const table = (name: string): StateTable<unknown[]> => context.table({ name, backup: backupByLength })
    this.#sides = [table('left'), table('right')]
    this.#late = [context.output('lateLeft'), context.output('lateRight')]
  }

  *restored(): Generator<undefined> {
    for (const table of this.#sides) {
      for (const start of table.outers()) {
        this.#begin(this.#parts.assigner.slice(start as EventTime))
        yield undefined
      }
    }
  }

  process({ value, time, key }: StreamRecord<unknown>, _: Collector<unknown>, input: number): void {
    if (!(time >= this.#slice.start && time < this.#slice.end)) this.#enter(time)
    if (isBetweenWindows(this.#slice)) {
      this.#context.count('skipped')
      return
    }
    if (this.#context.watermark() >= this.#slice.lastWindowEnd) {
      this.#context.count('late')
      this.#late[input]!.emit(value)
      return
    }
    if (key === null && !this.#parts.keepsUnmatched[input]) {
      this.#context.count('skipped')
      return
    }
    const { start } = this.#slice
    const table = this.#sides[input]!
    const token = this.#context.keyToken()
    const cell = table.find(start, token)
    if (cell === undefined) {
      table.create(start, token, this.#context.keyGroup(), [value])
      // The engine takes back what a record that fails has done to the table, and nothing else: so this comes last.
      this.#begin(this.#slice)
    } else {
      cell.value.push(value)
      table.changed(cell)
    }
  }

  onTimer({ time }: Timer, out: Collector<unknown>): void {
    const { matching, from } = this.#leaving!
    const to = Math.min(matching.count, from + resultsAtOnce)
    for (let i = from; i < to; i++) out.emitAt(time - 1, matching.result(i))
  }

  #enter(time: EventTime): void {
    checkTime(time)
    this.#slice = sliceAround(this.#parts.assigner, time)
  }

  /** A slice has got a cell. */
  #begin(slice: Slice): void {
    this.#open.add(slice.start)
    const watermark = this.#context.lowestWatermark()
    const end = watermark < slice.firstWindowEnd ? slice.firstWindowEnd : this.#endAfter(watermark)
    if (end >= this.#nextEnd) return
    this.#nextEnd = end
    this.#context.timers.setSweep(end, 'end', (due) => this.#endWindow(due))
  }

  /** The first end of a window after `time`. */
  #endAfter(time: EventTime): EventTime {
    return this.#parts.assigner.slice(time).firstWindowEnd
  }

  /** Yields a cell of each key in the window for each part of its results. Returns the end of the next window. */
  *#endWindow(end: EventTime): Generator<Cell<unknown> | undefined, EventTime | undefined> {
    const { assigner } = this.#parts
    const window = { start: assigner.startOf(end), end }
    yield* this.#results(window)
    this.#leaving = undefined
    const nextEnd = this.#endAfter(end)
    const keptFrom = assigner.startOf(nextEnd)
    for (let start = this.#open.first; start !== undefined && start < keptFrom; start = this.#open.first) {
      for (const table of this.#sides) table.deleteOuter(start)
      this.#open.removeFirst()
      yield undefined
    }
    const next = this.#open.first
    this.#nextEnd =
      next === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(nextEnd, this.#parts.assigner.slice(next).firstWindowEnd)
    return next === undefined ? undefined : this.#nextEnd
  }

  *#results(window: Window): Generator<Cell<unknown> | undefined> {
    const slices: EventTime[] = []
    for (let i = this.#open.indexFrom(window.start); i < this.#open.size; i++) {
      const start = this.#open.at(i)!
      if (start >= window.end) break
      slices.push(start)
    }
    const passed: EventTime[] = []
    for (const slice of slices) {
      for (const [side, table] of this.#sides.entries()) {
        for (const cell of table.cells(slice)) {
          // Each key comes once, with its first cell in the window.
          if (side === 1 && this.#sides[0].find(slice, cell.inner) !== undefined) continue
          if (this.#isIn(passed, cell.inner)) continue
          yield* this.#resultsOf(cell, slices, window)
        }
      }
      passed.push(slice)
    }
  }

  *#resultsOf(
    cell: Cell<unknown>,
    slices: readonly EventTime[],
    window: Window,
  ): Generator<Cell<unknown> | undefined> {
    const { inner } = cell
    const [left, right] = [this.#rowsOf(0, inner, slices), this.#rowsOf(1, inner, slices)]
    for (const matching of this.#parts.match({ key: tokenKey(inner), window, left, right })) {
      for (let from = 0; from < matching.count; from += resultsAtOnce) {
        this.#leaving = { matching, from }
        yield cell
      }
    }
    yield undefined
  }

  /** Whether a key has a cell in one of the slices. */
  #isIn(slices: readonly EventTime[], key: KeyToken): boolean {
    return slices.some((slice) => this.#sides.some((table) => table.find(slice, key) !== undefined))
  }

  /** The rows of a key in a window, as a list of its own: slices may get more rows for later windows. */
  #rowsOf(side: 0 | 1, key: KeyToken, slices: readonly EventTime[]): readonly unknown[] {
    return slices.flatMap((slice) => this.#sides[side].find(slice, key)?.value ?? [])
  }
}
