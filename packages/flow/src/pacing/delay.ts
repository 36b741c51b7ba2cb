import { positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import type { Collector, Operator, OperatorContext, StreamRecord, Timer } from '@millrace/core/operator'
import { kept, type KeptHeaders } from '../operators/kept-headers.ts'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { dueText, isDueBy, setDue, type PacingClock, type PacingClockOption } from './pacing-clock.ts'
import { WaitingRecords } from './waiting-records.ts'

/** Options of `delay`. */
export interface DelayOptions extends OperatorOptions, PacingClockOption {
  /** How long each record waits. */
  readonly by: Duration
}

/** Emits each record after a delay. */
class DelayOperator implements Operator<unknown, unknown> {
  readonly #clock: PacingClock
  readonly #byMs: number
  #waiting!: WaitingRecords<KeptHeaders & { readonly value: unknown; readonly due: number }>
  #context!: OperatorContext

  constructor(clock: PacingClock, byMs: number) {
    this.#clock = clock
    this.#byMs = byMs
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#waiting = new WaitingRecords(context)
  }

  process({ value, time, headers }: StreamRecord<unknown>): void {
    const due = setDue(this.#context, this.#clock, time, this.#byMs)
    this.#waiting.add({ value, due, ...kept(headers) })
  }

  /** Records leave in the order in which they came: one that is due waits for those before it. */
  onTimer({ time }: Timer, out: Collector<unknown>): void {
    for (let next = this.#waiting.first; next !== undefined && next.due <= time; next = this.#waiting.first) {
      const { value, headers } = this.#waiting.take()
      this.#context.setHeaders(headers)
      out.emit(value)
    }
  }
}

/** The parts of the node of `delay`. */
export function delayParts(name: string, options: DelayOptions): OperatorParts {
  requireKnown(`delay '${name}'`, options, ['onError', 'by', 'clock'])
  const clock = isDueBy(options, `delay '${name}'`)
  const byMs = positiveDurationMs(options.by, `by of '${name}'`)
  return {
    type: 'delay',
    fingerprint: { pieces: WaitingRecords.pieces, settings: [{ name: 'clock', value: clock }] },
    outputs: [],
    keeps: `each record${dueText(options.by, clock)}`,
    clock,
    create: () => new DelayOperator(clock, byMs),
  }
}
