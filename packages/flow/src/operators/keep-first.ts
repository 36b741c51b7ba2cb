/**
 * Keeps the first record of each key by event time, and then none for a while.
 *
 * A record waits until the watermark has passed its time, so that the first one is the first of the data, in whatever
 * order records arrive.
 *
 * True between any two calls:
 *
 *  1. Records are in state only while the watermark has not passed their time, one for each key and time.
 *  2. `kept` of a key is the time of the record that was emitted last, while a record in time could be its duplicate. The
 *     end of the input does not end that: a later run may have duplicates.
 */
import { positiveDurationMs, requireKnown, type EventTime } from '@millrace/core'
import {
  backupByReference,
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
import type { Cell, StateTable } from '@millrace/core/store'
import type { KeepFirstOptions } from '../stream-options.ts'
import { DueTimes, justAfter } from '../window/due-times.ts'
import { kept as keptHeaders, type KeptHeaders } from './kept-headers.ts'
import type { OperatorParts } from './operator-parts.ts'

interface Waiting extends KeptHeaders {
  readonly value: unknown
}

const waiting: StateDescriptor<Waiting> = { name: 'waiting', backup: backupByReference }
const kept: StateDescriptor<EventTime> = { name: 'kept' }
const ends: StateDescriptor<true> = { name: 'ends' }
/** The name of the sweeps that forget what was kept. */
const expiry = 'expiry'

class KeepFirstOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #withinMs: number
  #context!: OperatorContext
  #waiting!: StateTable<Waiting>
  #kept!: ValueState<EventTime>
  /** The times and keys of the records that were kept, while `#kept` has them. */
  #ends!: StateTable<true>
  #due!: DueTimes
  #expiring!: DueTimes
  #late!: Collector<unknown>
  /** The record that a sweep has just yielded. */
  #leaving: Cell<Waiting> | undefined

  constructor(withinMs: number) {
    this.#withinMs = withinMs
    this.fingerprint = {
      pieces: [statePiece('rows', waiting), statePiece('value', kept), statePiece('rows', ends)],
      settings: [{ name: 'within', value: withinMs, unit: 'ms' }],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#waiting = context.table(waiting)
    this.#kept = context.value(kept)
    this.#ends = context.table(ends)
    this.#late = context.output('late')
    this.#due = new DueTimes(context, 'waiting', justAfter, (time) => this.#leave(time))
    this.#expiring = new DueTimes(
      context,
      expiry,
      (time) => this.#expiryOf(time),
      (time) => this.#forget(time),
      'keep',
    )
  }

  *restored(): Generator<undefined> {
    for (const time of this.#waiting.outers()) {
      this.#due.add(time as EventTime)
      yield undefined
    }
    for (const time of this.#ends.outers()) {
      this.#expiring.add(time as EventTime)
      yield undefined
    }
  }

  process({ value, time, headers }: StreamRecord<unknown>): void {
    const context = this.#context
    if (time < context.watermark()) {
      context.count('late')
      this.#late.emit(value)
      return
    }
    const token = context.keyToken()
    if (this.#isDuplicate(time) || this.#waiting.find(time, token) !== undefined) return
    this.#waiting.create(time, token, context.keyGroup(), { value, ...keptHeaders(headers) })
    this.#due.add(time)
  }

  onTimer({ name, time }: Timer, out: Collector<unknown>): void {
    if (name === expiry) {
      if (time >= this.#expiryOf(this.#kept.get()!)) this.#kept.clear()
      return
    }
    const { outer, value } = this.#leaving!
    const at = outer as EventTime
    if (this.#isDuplicate(at)) return
    this.#kept.set(at)
    this.#ends.create(at, this.#context.keyToken(), this.#context.keyGroup(), true)
    this.#expiring.add(at)
    this.#context.setHeaders(value.headers)
    out.emitAt(at, value.value)
  }

  #isDuplicate(time: EventTime): boolean {
    const before = this.#kept.get()
    return before !== undefined && time < before + this.#withinMs
  }

  /** After every record that could be a duplicate has left. */
  #expiryOf(time: EventTime): EventTime {
    return justAfter(time + this.#withinMs)
  }

  /** No record in time can be a duplicate of those that were kept at a time. */
  *#forget(time: EventTime): Generator<Cell<true>> {
    yield* this.#ends.cells(time)
    this.#ends.deleteOuter(time)
  }

  /** The watermark has passed the time of records: they are first, or follow another one. */
  *#leave(time: EventTime): Generator<Cell<unknown> | undefined> {
    for (const cell of this.#waiting.cells(time)) {
      this.#leaving = cell
      yield cell
    }
    this.#leaving = undefined
    this.#waiting.deleteOuter(time)
  }
}

/** The parts of the node of `keepFirst`. */
export function keepFirstParts(name: string, options: KeepFirstOptions): OperatorParts {
  requireKnown(`keepFirst '${name}'`, options, ['within', 'onError'])
  const withinMs = positiveDurationMs(options.within, `within of keepFirst '${name}'`)
  const create = (): KeepFirstOperator => new KeepFirstOperator(withinMs)
  return {
    type: 'keepFirst',
    fingerprint: create().fingerprint,
    outputs: ['late'],
    keeps: `the time of the last record of each key for ${options.within}, records until the watermark passes them`,
    create,
  }
}
