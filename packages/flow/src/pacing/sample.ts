import { positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import {
  statePiece,
  type Collector,
  type MapState,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
  type ValueState,
} from '@millrace/core/operator'
import { wholeNumber } from '../retry-rules.ts'
import { kept, type KeptHeaders } from '../operators/kept-headers.ts'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { OperatorOptions } from '../stream-options.ts'
import {
  deleteDue,
  dueText,
  isDueBy,
  setDue,
  type PacingClock,
  type PacingClockOption,
} from './pacing-clock.ts'

/** Options of `sample`. */
export interface SampleOptions extends OperatorOptions {
  /** Of so many records the first passes. */
  readonly every: number
}

/** Options of `debounce`. */
export interface DebounceOptions extends OperatorOptions, PacingClockOption {
  /** How long no other record must come before the last one is emitted. */
  readonly quiet: Duration
}

/** Emits the first of each `every` records of a key. */
class SampleOperator implements Operator<unknown, unknown> {
  readonly #every: number
  #seen!: ValueState<number>

  constructor(every: number) {
    this.#every = every
  }

  open(context: OperatorContext): void {
    this.#seen = context.value({ name: 'seen' })
  }

  process({ value }: StreamRecord<unknown>, out: Collector<unknown>): void {
    const seen = this.#seen.get() ?? 0
    this.#seen.set((seen + 1) % this.#every)
    if (seen === 0) out.emit(value)
  }
}

/** Emits a record of a key when none has followed for a while. */
class DebounceOperator implements Operator<unknown, unknown> {
  readonly #clock: PacingClock
  readonly #quietMs: number
  /** Records that may still turn out to be the last, by the time at which they will be emitted. */
  #last!: MapState<number, KeptHeaders & { readonly value: unknown }>
  #context!: OperatorContext

  constructor(clock: PacingClock, quietMs: number) {
    this.#clock = clock
    this.#quietMs = quietMs
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#last = context.map({ name: 'last' })
  }

  process({ value, time, headers }: StreamRecord<unknown>): void {
    // By event time an earlier record is not superseded: this one may have arrived too early.
    if (this.#clock === 'processing') this.#supersede()
    const due = setDue(this.#context, this.#clock, time, this.#quietMs)
    this.#last.set(due, { value, ...kept(headers) })
  }

  onTimer({ time }: Timer, out: Collector<unknown>): void {
    const due = this.#last.get(time)
    if (due === undefined) return
    this.#last.delete(time)
    for (const [other] of this.#last.entries()) if (other > time && other < time + this.#quietMs) return
    this.#context.setHeaders(due.headers)
    out.emit(due.value)
  }

  #supersede(): void {
    for (const [due] of this.#last.entries()) {
      deleteDue(this.#context, this.#clock, due)
      this.#last.delete(due)
    }
  }
}

/** The parts of the node of `sample`. */
export function sampleParts(name: string, options: SampleOptions): OperatorParts {
  requireKnown(`sample '${name}'`, options, ['onError', 'every'])
  const every = wholeNumber(options.every, `every of '${name}'`)
  const fingerprint = {
    pieces: [statePiece('value', { name: 'seen' })],
    settings: [{ name: 'every', value: every }],
  }
  const keeps = 'a count of each key, never dropped'
  return { type: 'sample', fingerprint, outputs: [], keeps, create: () => new SampleOperator(every) }
}

/** The parts of the node of `debounce`. */
export function debounceParts(name: string, options: DebounceOptions): OperatorParts {
  requireKnown(`debounce '${name}'`, options, ['onError', 'quiet', 'clock'])
  const clock = isDueBy(options, `debounce '${name}'`)
  const quietMs = positiveDurationMs(options.quiet, `quiet of '${name}'`)
  return {
    type: 'debounce',
    fingerprint: {
      pieces: [statePiece('map', { name: 'last' })],
      settings: [{ name: 'clock', value: clock }],
    },
    outputs: [],
    keeps: `the last record of each key${dueText(options.quiet, clock)}`,
    clock,
    create: () => new DebounceOperator(clock, quietMs),
  }
}
