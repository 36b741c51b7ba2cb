/**
 * Joins each record of a stream with the row that a table has for its key.
 *
 * A record waits until the table is loaded. A table with event time is loaded up to its watermark; one without is
 * loaded when its input has ended. Both follow from the operator's watermark, which is the lower one of its inputs.
 *
 * True between any two calls: records are in state only while the watermark has not passed their time.
 */
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
import type { Cell } from '@millrace/core/store'
import type { Combine } from '../join/interval-join-operator.ts'
import { rowsPiece, TimedRows, type Rows } from '../join/timed-rows.ts'
import { DueTimes, justAfter } from '../window/due-times.ts'
import type { RowChange } from './row-change.ts'

/** So many records of one key and time come out before the event loop may have a turn. */
const recordsAtOnce = 256

/** The options of `enrich`. */
export interface EnrichParts {
  readonly kind: 'inner' | 'left'
  readonly combine: Combine
  /** Whether the table has event time. */
  readonly isTableTimed: boolean
  /** How long rows live; undefined: until they are deleted. */
  readonly ttl?: TimeToLive | undefined
}

const row: StateDescriptor<{ readonly row: unknown }> = { name: 'row', backup: backupByReference }

/** Its inputs are the stream and the table. */
export class EnrichOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #parts: EnrichParts
  #context!: OperatorContext
  #row!: ValueState<{ readonly row: unknown }>
  #waiting!: TimedRows
  #due!: DueTimes
  /** The records that a sweep has just yielded, and from which of them on they come out. */
  #leaving: { readonly cell: Cell<Rows>; readonly from: number } | undefined

  constructor(parts: EnrichParts) {
    this.#parts = parts
    this.fingerprint = {
      pieces: [statePiece('value', { ...row, ttl: parts.ttl }), rowsPiece('waiting')],
      settings: [{ name: 'join', value: parts.kind }],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#row = context.value({ ...row, ttl: this.#parts.ttl })
    this.#waiting = new TimedRows(context, 'waiting')
    this.#due = new DueTimes(context, 'waiting', justAfter, (time) => this.#leave(time))
  }

  *restored(): Generator<undefined> {
    for (const time of this.#waiting.restore()) {
      if (time !== undefined) this.#due.add(time)
      yield undefined
    }
  }

  process({ value, time, key }: StreamRecord<unknown>, out: Collector<unknown>, input: number): void {
    if (input === 1) {
      // As in SQL, no key is equal to null.
      if (key === null) return
      const { after } = value as RowChange
      if (after === undefined) this.#row.clear()
      else this.#row.set({ row: after })
    } else if (this.#isLoaded(time)) {
      this.#emit(value, time, out)
    } else {
      this.#waiting.add(time, value, false)
      this.#due.add(time)
    }
  }

  onTimer(_: Timer, out: Collector<unknown>): void {
    const { cell, from } = this.#leaving!
    const { values } = cell.value
    const to = Math.min(values.length, from + recordsAtOnce)
    for (let i = from; i < to; i++) this.#emit(values[i], cell.outer as EventTime, out)
  }

  /** Whether the table is loaded for a record of this time, and no earlier record of the key waits. */
  #isLoaded(time: EventTime): boolean {
    const watermark = this.#context.watermark()
    if (watermark > time) return true
    if (this.#parts.isTableTimed || watermark === Number.NEGATIVE_INFINITY) return false
    return this.#waiting.timesOf(this.#context.keyToken()).size === 0
  }

  #emit(value: unknown, time: EventTime, out: Collector<unknown>): void {
    const found = this.#row.get()
    if (found === undefined && this.#parts.kind === 'inner') return
    out.emitAt(time, this.#parts.combine(value, found?.row))
  }

  *#leave(time: EventTime): Generator<Cell<unknown> | undefined> {
    for (const cell of this.#waiting.at(time)) {
      for (let from = 0; from < cell.value.values.length; from += recordsAtOnce) {
        this.#leaving = { cell, from }
        yield cell
      }
    }
    this.#leaving = undefined
    yield* this.#waiting.deleteAt(time)
  }
}
