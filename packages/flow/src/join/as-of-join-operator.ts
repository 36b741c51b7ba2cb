/**
 * Joins each row of the left side with the version that the right side has for its key at the row's event time.
 *
 * A version is valid from its event time until that of the next version of its key. A row waits until the watermark has
 * passed its time, so that every version that counts has arrived.
 *
 * Invariants between any two calls:
 *
 *  1. Left rows are in state only while the watermark has not passed their time.
 *  2. Of the versions of a key whose time the watermark has reached, only the newest one is in state.
 *  3. With `validForMs` a version is in state only while the watermark is below its time plus that.
 *
 * The end of the input makes rows leave, but no version: a later run may have rows that need it.
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
import type { Cell, KeyToken } from '@millrace/core/store'
import { DueTimes, justAfter } from '../window/due-times.ts'
import type { Combine } from './interval-join-operator.ts'
import { rowsPiece, TimedRows, type Rows } from './timed-rows.ts'

/** So many rows of one key and time come out before the event loop may have a turn. */
const rowsAtOnce = 256

/** The options of an as-of join. */
export interface AsOfParts {
  readonly kind: 'inner' | 'left'
  readonly combine: Combine
  /** How long a version is valid at most, in milliseconds; infinite: until the next one. */
  readonly validForMs: number
}

export class AsOfJoinOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #parts: AsOfParts
  #context!: OperatorContext
  #rows!: TimedRows
  #versions!: TimedRows
  #waiting!: DueTimes
  #newest!: DueTimes
  #expiring!: DueTimes
  #late!: readonly [Collector<unknown>, Collector<unknown>]
  /** The rows that a sweep has just yielded, and from which of them on they come out. */
  #leaving: { readonly cell: Cell<Rows>; readonly from: number } | undefined

  constructor(parts: AsOfParts) {
    this.#parts = parts
    const { kind, validForMs } = parts
    this.fingerprint = {
      pieces: [rowsPiece('left'), rowsPiece('right')],
      settings: [
        { name: 'join', value: kind },
        Number.isFinite(validForMs)
          ? { name: 'valid for', value: validForMs, unit: 'ms' }
          : { name: 'valid for', value: 'until the next version' },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#rows = new TimedRows(context, 'left')
    this.#versions = new TimedRows(context, 'right')
    this.#late = [context.output('lateLeft'), context.output('lateRight')]
    // Rows leave before the versions that they need: sweeps of one moment run in the order of their names.
    this.#waiting = new DueTimes(context, 'left', justAfter, (time) => this.#leave(time))
    this.#newest = new DueTimes(
      context,
      'right',
      (time) => time,
      (time) => this.#supersede(time),
      'keep',
    )
    this.#expiring = new DueTimes(
      context,
      'validity',
      (time) => time + this.#parts.validForMs,
      (time) => this.#versions.deleteAt(time),
      'keep',
    )
  }

  *restored(): Generator<undefined> {
    for (const time of this.#rows.restore()) {
      if (time !== undefined) this.#waiting.add(time)
      yield undefined
    }
    for (const time of this.#versions.restore()) {
      if (time !== undefined) this.#watch(time)
      yield undefined
    }
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<unknown>, input: number): void {
    if (time < this.#context.watermark()) {
      this.#context.count('late')
      this.#late[input]!.emit(value)
    } else if (key === null) {
      // As in SQL, no key is equal to null.
      if (input === 0 && this.#parts.kind === 'left') out.emit(this.#parts.combine(value, undefined))
      else this.#context.count('skipped')
    } else if (input === 0) {
      this.#rows.add(time, value, false)
      this.#waiting.add(time)
    } else {
      this.#versions.add(time, value, false)
      this.#watch(time)
      if (time <= this.#context.watermark()) this.#dropBefore(time, this.#context.keyToken())
    }
  }

  onTimer(_: Timer, out: Collector<unknown>): void {
    const { cell, from } = this.#leaving!
    const { kind, combine } = this.#parts
    const time = cell.outer as EventTime
    const version = this.#versionAt(time, cell.inner)
    if (version === undefined && kind === 'inner') return
    const to = Math.min(cell.value.values.length, from + rowsAtOnce)
    for (let i = from; i < to; i++) out.emitAt(time, combine(cell.value.values[i], version?.value))
  }

  #watch(time: EventTime): void {
    if (time > this.#context.lowestWatermark()) this.#newest.add(time)
    if (Number.isFinite(this.#parts.validForMs)) this.#expiring.add(time)
  }

  /** The newest version at a time. Of versions of one time it is the one that came last. */
  #versionAt(time: EventTime, key: KeyToken): { readonly value: unknown } | undefined {
    const times = this.#versions.timesOf(key)
    const index = times.indexFrom(justAfter(time)) - 1
    if (index < 0) return undefined
    const since = times.at(index)!
    if (time >= since + this.#parts.validForMs) return undefined
    return { value: this.#versions.find(since, key)!.value.values.at(-1) }
  }

  /** The watermark has passed the time of rows: their versions are all there. */
  *#leave(time: EventTime): Generator<Cell<unknown> | undefined> {
    for (const cell of this.#rows.at(time)) {
      for (let from = 0; from < cell.value.values.length; from += rowsAtOnce) {
        this.#leaving = { cell, from }
        yield cell
      }
    }
    this.#leaving = undefined
    yield* this.#rows.deleteAt(time)
  }

  /** The watermark has reached the time of versions: what was valid before them is needed no more. */
  *#supersede(time: EventTime): Generator<undefined> {
    for (const { inner } of this.#versions.at(time)) {
      this.#dropBefore(time, inner)
      yield undefined
    }
  }

  #dropBefore(time: EventTime, key: KeyToken): void {
    const times = this.#versions.timesOf(key)
    while (times.size > 0 && times.first! < time) {
      this.#versions.delete(this.#versions.find(times.first!, key)!)
    }
  }
}
