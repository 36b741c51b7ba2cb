/**
 * Joins rows of two sides whose event times lie within bounds of each other.
 *
 * A row is kept until no row of the other side that is in time can meet it, which follows from the bounds and the
 * watermark. An unmatched row of a side that is padded comes out at that moment, once. At the end of the input it comes out,
 * too, but rows stay, because those of a later run may meet them.
 *
 * Invariants between any two calls:
 *
 *  1. A row is in state only while the watermark is below the moment at which it can meet no other.
 *  2. `isMatched` of rows is true if and only if they are in a result that was emitted.
 *  3. Every time with rows is in `due` of its side.
 */
import type { EventTime } from '@millrace/core'
import type {
  Collector,
  Fingerprint,
  Operator,
  OperatorContext,
  StreamRecord,
  Timer,
} from '@millrace/core/operator'
import type { Cell } from '@millrace/core/store'
import { DueTimes, justAfter, justBefore } from '../window/due-times.ts'
import { rowsPiece, TimedRows, type Rows } from './timed-rows.ts'

/** How far the event time of a right row may be from that of a left row. */
export interface IntervalBounds {
  readonly lowerMs: number
  readonly upperMs: number
  readonly isLowerExclusive: boolean
  readonly isUpperExclusive: boolean
}

/** Which rows come out without a partner. */
export type JoinKind = 'inner' | 'left' | 'right' | 'full'

/** What makes one result of a pair, of which one may be missing. */
export type Combine = (left: unknown, right: unknown) => unknown

/** So many unmatched rows of one key and time come out before the event loop may have a turn. */
const rowsAtOnce = 256

interface Side {
  readonly rows: TimedRows
  readonly due: DueTimes
  readonly late: Collector<unknown>
  readonly isPadded: boolean
  /** How long after its own time a row may meet another one; negative if that is over before. */
  readonly reachMs: number
  /** From when on and until when rows of the other side meet a row of this time. */
  readonly firstOf: (time: EventTime) => EventTime
  readonly lastOf: (time: EventTime) => EventTime
}

export class IntervalJoinOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #bounds: IntervalBounds
  readonly #kind: JoinKind
  readonly #combine: Combine
  #context!: OperatorContext
  #sides!: readonly [left: Side, right: Side]
  /** The rows that a sweep has just yielded, and from which of them on they come out. */
  #leaving: { readonly side: number; readonly cell: Cell<Rows>; readonly from: number } | undefined

  constructor(bounds: IntervalBounds, kind: JoinKind, combine: Combine) {
    this.#bounds = bounds
    this.#kind = kind
    this.#combine = combine
    this.fingerprint = {
      pieces: [rowsPiece('left'), rowsPiece('right')],
      settings: [
        { name: 'join', value: kind },
        { name: 'lower bound', value: bounds.lowerMs, unit: 'ms' },
        { name: 'upper bound', value: bounds.upperMs, unit: 'ms' },
        { name: 'lower bound exclusive', value: bounds.isLowerExclusive },
        { name: 'upper bound exclusive', value: bounds.isUpperExclusive },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    const { lowerMs, upperMs, isLowerExclusive, isUpperExclusive } = this.#bounds
    this.#sides = [
      this.#side('left', this.#bounds),
      // Seen from the right, the bounds are mirrored.
      this.#side('right', {
        lowerMs: -upperMs,
        upperMs: -lowerMs,
        isLowerExclusive: isUpperExclusive,
        isUpperExclusive: isLowerExclusive,
      }),
    ]
  }

  #side(name: 'left' | 'right', bounds: IntervalBounds): Side {
    const context = this.#context
    const { lowerMs, upperMs, isLowerExclusive, isUpperExclusive } = bounds
    const firstOf = (time: EventTime): EventTime =>
      isLowerExclusive ? justAfter(time + lowerMs) : time + lowerMs
    const lastOf = (time: EventTime): EventTime =>
      isUpperExclusive ? justBefore(time + upperMs) : time + upperMs
    const index = name === 'left' ? 0 : 1
    const isPadded = this.#kind === 'full' || this.#kind === name
    return {
      rows: new TimedRows(context, name),
      due: new DueTimes(
        context,
        name,
        (time) => justAfter(lastOf(time)),
        (time) => this.#expire(index, time),
        isPadded ? 'handle' : 'keep',
      ),
      late: context.output(name === 'left' ? 'lateLeft' : 'lateRight'),
      isPadded,
      reachMs: upperMs,
      firstOf,
      lastOf,
    }
  }

  *restored(): Generator<undefined> {
    for (const { rows, due } of this.#sides) {
      for (const time of rows.restore()) {
        if (time !== undefined) due.add(time)
        yield undefined
      }
    }
  }

  process(record: StreamRecord<unknown>, out: Collector<unknown>, input: number): void {
    const { value, time, key } = record
    const side = this.#sides[input]!
    const watermark = this.#context.watermark()
    if (time < watermark) {
      this.#context.count('late')
      side.late.emit(value)
      return
    }
    // As in SQL, no key is equal to null.
    const isMatched = key !== null && this.#meet(value, time, input, out)
    if (key === null && !side.isPadded) {
      this.#context.count('skipped')
      return
    }
    const last = side.lastOf(time)
    if (last >= watermark) {
      side.rows.add(time, value, isMatched)
      side.due.add(time)
    } else if (side.isPadded && !isMatched) {
      out.emit(this.#padded(value, input))
    }
  }

  onTimer(_: Timer, out: Collector<unknown>): void {
    const { side, cell, from } = this.#leaving!
    const leavesAt = (cell.outer as EventTime) + Math.max(0, this.#sides[side]!.reachMs)
    const to = Math.min(cell.value.values.length, from + rowsAtOnce)
    for (let i = from; i < to; i++) out.emitAt(leavesAt, this.#padded(cell.value.values[i], side))
  }

  /** Emits a pair with each row of the other side that is within the bounds; false if there is none. */
  #meet(value: unknown, time: EventTime, input: number, out: Collector<unknown>): boolean {
    const { firstOf, lastOf } = this.#sides[input]!
    const { rows } = this.#sides[1 - input]!
    const token = this.#context.keyToken()
    const times = rows.timesOf(token)
    const last = lastOf(time)
    let isMatched = false
    for (let i = times.indexFrom(firstOf(time)); i < times.size; i++) {
      const other = times.at(i)!
      if (other > last) break
      const cell = rows.find(other, token)!
      for (const partner of cell.value.values) {
        const result = input === 0 ? this.#combine(value, partner) : this.#combine(partner, value)
        out.emitAt(Math.max(time, other), result)
      }
      rows.match(cell)
      isMatched = true
    }
    return isMatched
  }

  /** Rows of one time can meet no other any more. */
  *#expire(index: number, time: EventTime): Generator<Cell<unknown> | undefined> {
    const { rows, isPadded } = this.#sides[index]!
    const hasEnded = this.#context.watermark() === Number.POSITIVE_INFINITY
    if (isPadded) {
      for (const cell of rows.at(time)) {
        const count = cell.value.isMatched ? 0 : cell.value.values.length
        for (let from = 0; from < count; from += rowsAtOnce) {
          this.#leaving = { side: index, cell, from }
          yield cell
        }
        if (hasEnded) rows.match(cell)
        yield undefined
      }
      this.#leaving = undefined
    }
    if (!hasEnded) yield* rows.deleteAt(time)
  }

  #padded(value: unknown, input: number): unknown {
    return input === 0 ? this.#combine(value, undefined) : this.#combine(undefined, value)
  }
}
