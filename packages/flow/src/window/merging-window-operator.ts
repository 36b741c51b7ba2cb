/**
 * Windows of event time that merge: sessions.
 *
 * State is filed under (window start, key): the end of the window and its accumulators. A record brings a window of its
 * own, which merges with those of its key that it overlaps or touches. The merged window keeps one cell.
 *
 * A record at the very end of a window still merges with it. So a window fires when the watermark has passed its end, and
 * its result has the time of its end.
 *
 * Invariants between any two calls:
 *
 *  1. Windows of one key neither overlap nor touch.
 *  2. A window is in state only while the watermark has not passed its end plus the allowed lateness.
 *  3. A window whose end the watermark has passed has been emitted with every record in it.
 *  4. Every window is due (`#due`) at or before the moment at which something has to be done with it. When that comes, its
 *     cell says what: windows grow, and what was due for them before is looked at and put off.
 *
 * What is due follows from the cells, so it is not saved.
 */
import type { Codec, EventTime, Key } from '@millrace/core'
import {
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
} from '@millrace/core/operator'
import { TokenMap, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import { checkTime, windowSettings, type MergingWindows } from './assigner.ts'
import { DueTimes, justAfter } from './due-times.ts'
import { closedUpTo, latenessSetting } from './lateness.ts'
import { SortedTimes } from './sorted-times.ts'
import { windowResult, type AggregateParts } from './window-result.ts'

/** The options of an operator of merging windows. */
export interface MergingWindowParts extends AggregateParts {
  readonly windows: MergingWindows
}

/** What is kept of one window of one key. */
interface OpenWindow {
  readonly end: EventTime
  readonly accumulators: unknown
}

const windowsPiece = statePiece('windows', { name: 'windows', codec: { id: 'windows', version: 1 } })

/** Windows whose bounds depend on the data. All others have `SliceWindowOperator`. */
export class MergingWindowOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #windows: MergingWindows
  readonly #accumulators: Accumulators
  readonly #latenessMs: number
  readonly #hasKey: boolean
  #context!: OperatorContext
  #table!: StateTable<OpenWindow>
  #late!: Collector<unknown>
  /** The starts of the windows of each key. */
  readonly #starts = new TokenMap<SortedTimes>()
  #due!: DueTimes
  /** What is due at a time: windows by key and start. Some have gone, or have grown since. */
  readonly #dueAt = new Map<EventTime, (readonly [key: KeyToken, start: EventTime])[]>()
  /** Windows that ended at or before this were closed by an earlier program that allowed less lateness. */
  #closedUpTo: EventTime = Number.NEGATIVE_INFINITY
  /** The window that a sweep has just yielded. */
  #ending!: Cell<OpenWindow>

  constructor({ name, windows, aggregates, latenessMs, hasKey = true }: MergingWindowParts) {
    this.#windows = windows
    this.#accumulators = accumulatorsOf(aggregates, name)
    this.#latenessMs = latenessMs
    this.#hasKey = hasKey
    this.fingerprint = {
      pieces: [windowsPiece, ...this.#accumulators.pieces],
      settings: [...windowSettings(windows, name), latenessSetting(latenessMs)],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#table = context.table({
      name: windowsPiece.name,
      codec: windowCodec(this.#accumulators.codec),
      backup: ({ end, accumulators }) => {
        const before = this.#accumulators.backup(accumulators)
        return () => ({ end, accumulators: before() })
      },
    })
    this.#late = context.output('late')
    this.#due = new DueTimes(
      context,
      'end',
      (time) => time,
      (time) => this.#handle(time),
    )
    this.#closedUpTo = closedUpTo(context)
  }

  *restored(): Generator<undefined> {
    for (const start of this.#table.outers()) {
      for (const cell of this.#table.cells(start)) {
        const { end } = cell.value
        if (this.#dropAt(end) <= this.#context.lowestWatermark()) {
          // It closes sooner than in an earlier program, which allowed more lateness.
          this.#table.delete(cell)
        } else {
          this.#enter(cell.inner, start as EventTime)
          this.#await(cell.inner, start as EventTime, end, this.#context.lowestWatermark())
        }
        yield undefined
      }
    }
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<unknown>): void {
    checkTime(time)
    const own = this.#windows.windowOf(value, time)
    const token = this.#context.keyToken()
    const watermark = this.#context.watermark()
    const met = this.#touching(token, own.start, own.end)
    if (met.length === 0) this.#begin(value, { ...own, key: key!, token, watermark }, out)
    else this.#extend(value, met, { ...own, key: key!, token, watermark }, out)
  }

  onTimer({ key }: Timer, out: Collector<unknown>): void {
    const { outer, value } = this.#ending
    this.#emit(key, outer as EventTime, value, out)
  }

  /** A record is alone. Only then may it be late. */
  #begin(value: unknown, own: Own, out: Collector<unknown>): void {
    const { start, end, key, token, watermark } = own
    if (end + this.#latenessMs <= watermark || end <= this.#closedUpTo) {
      this.#context.count('late')
      this.#late.emit(value)
      return
    }
    const window = { end, accumulators: this.#accumulators.first(value) }
    this.#table.create(start, token, this.#context.keyGroup(), window)
    if (end < watermark) this.#emit(key, start, window, out)
    // The engine takes back what a record that fails has done to the table, and nothing else: so this comes last.
    this.#enter(token, start)
    this.#await(token, start, end, watermark)
  }

  /** A record is in one window or several, which are one from now on. */
  #extend(value: unknown, met: readonly Cell<OpenWindow>[], own: Own, out: Collector<unknown>): void {
    const { key, token, watermark } = own
    const [first, ...others] = met as [Cell<OpenWindow>, ...Cell<OpenWindow>[]]
    let { accumulators, end } = first.value
    for (const { value: other } of others) {
      accumulators = this.#accumulators.merge(accumulators, other.accumulators)
      end = Math.max(end, other.end)
    }
    const hasFired = met.some((cell) => cell.value.end < watermark)
    const start = Math.min(first.outer as EventTime, own.start)
    const isMoved = start !== first.outer
    const window = {
      end: Math.max(end, own.end),
      accumulators: this.#accumulators.add(accumulators, value),
    }
    for (const cell of isMoved ? met : others) this.#table.delete(cell)
    if (isMoved) this.#table.create(start, token, this.#context.keyGroup(), window)
    else {
      first.value = window
      this.#table.changed(first)
    }
    if (window.end < watermark) this.#emit(key, start, window, out)
    const starts = this.#starts.get(token)!
    for (const cell of isMoved ? met : others) starts.remove(cell.outer as EventTime)
    if (isMoved) starts.add(start)
    // A window that has not fired is due already, at the end that it had.
    if (isMoved || hasFired) this.#await(token, start, window.end, watermark)
  }

  /** The windows of a key that overlap or touch a span, in order. */
  #touching(token: KeyToken, start: EventTime, end: EventTime): readonly Cell<OpenWindow>[] {
    const starts = this.#starts.get(token)
    if (starts === undefined) return []
    const found: Cell<OpenWindow>[] = []
    for (let i = Math.max(0, starts.indexFrom(start) - 1); i < starts.size; i++) {
      const other = starts.at(i)!
      if (other > end) break
      const cell = this.#table.find(other, token)!
      if (cell.value.end >= start) found.push(cell)
    }
    return found
  }

  /** Something is to be done with a window: it fires or, if it has, it is dropped. */
  #await(token: KeyToken, start: EventTime, end: EventTime, watermark: EventTime): void {
    const due = end < watermark ? this.#dropAt(end) : justAfter(end)
    const windows = this.#dueAt.get(due)
    if (windows !== undefined) windows.push([token, start])
    else {
      this.#dueAt.set(due, [[token, start]])
      this.#due.add(due)
    }
  }

  #dropAt(end: EventTime): EventTime {
    return justAfter(end + this.#latenessMs)
  }

  /** The watermark has reached a moment at which windows are due: yields those that end. */
  *#handle(now: EventTime): Generator<Cell<unknown> | undefined> {
    const windows = this.#dueAt.get(now) ?? []
    this.#dueAt.delete(now)
    const fired = new Set<Cell<OpenWindow>>()
    for (const [token, start] of windows) {
      yield undefined
      const cell = this.#table.find(start, token)
      if (cell === undefined || fired.has(cell)) continue
      const { end } = cell.value
      if (justAfter(end) === now) {
        fired.add(cell)
        this.#ending = cell
        yield cell
      }
      if (this.#dropAt(end) <= now) this.#drop(cell)
      else this.#await(token, start, end, now)
    }
  }

  #drop(cell: Cell<OpenWindow>): void {
    const starts = this.#starts.get(cell.inner)!
    starts.remove(cell.outer as EventTime)
    if (starts.size === 0) this.#starts.delete(cell.inner)
    this.#table.delete(cell)
  }

  #enter(token: KeyToken, start: EventTime): void {
    let starts = this.#starts.get(token)
    if (starts === undefined) {
      starts = new SortedTimes()
      this.#starts.add(token, starts)
    }
    starts.add(start)
  }

  #emit(key: Key, start: EventTime, { end, accumulators }: OpenWindow, out: Collector<unknown>): void {
    const shown = this.#hasKey ? key : undefined
    const window = { start, end }
    out.emitAt(end, windowResult(this.#accumulators, { key: shown, window, values: accumulators }))
  }
}

/** The window that a record has by itself, and what it meets. */
interface Own {
  readonly start: EventTime
  readonly end: EventTime
  readonly key: Key
  readonly token: KeyToken
  readonly watermark: EventTime
}

/** The part of a codec's id that names the format of the rest. */
const idPrefix = 'windows of '

/** The end of a window, then its accumulators. */
function windowCodec(codec: Codec<unknown>): Codec<OpenWindow> {
  const { id, version } = codec
  return {
    id: idPrefix + id,
    version,
    encode: ({ end, accumulators }, out) => {
      out.float64(end)
      codec.encode(accumulators, out)
    },
    decode: (input, stored) => ({ end: input.float64(), accumulators: codec.decode(input, stored) }),
    reader: (other, stored) => {
      const read = other.startsWith(idPrefix)
        ? codec.reader?.(other.slice(idPrefix.length), stored)
        : undefined
      return read && ((input) => ({ end: input.float64(), accumulators: read(input) }))
    },
  }
}
