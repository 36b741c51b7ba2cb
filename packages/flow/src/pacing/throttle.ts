import { positiveDurationMs, requireKnown, type Duration, type Key } from '@millrace/core'
import {
  statePiece,
  type Collector,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
  type ValueState,
} from '@millrace/core/operator'
import { wholeNumber } from '../retry-rules.ts'
import { requireChoice } from '../operators/choice.ts'
import { kept, type KeptHeaders } from '../operators/kept-headers.ts'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { OperatorOptions } from '../stream-options.ts'
import { WaitingRecords } from './waiting-records.ts'

/** Options of `throttle`. */
export interface ThrottleOptions extends OperatorOptions {
  /** How many records pass in each period. */
  readonly records: number
  /** The length of a period, in processing time. It begins with a record. */
  readonly per: Duration
  /**
   * What happens to more records: they wait in state, in order, until a period has room, or they are dropped.
   * Default `'wait'`.
   */
  readonly excess?: 'wait' | 'drop'
}

/** The current period: when it began, and how many records have passed in it. */
interface Period {
  readonly start: number
  readonly passed: number
}

/** Lets a number of records of each key pass in each period. */
class ThrottleOperator implements Operator<unknown, unknown> {
  readonly #options: { readonly records: number; readonly perMs: number; readonly drops: boolean }
  /** What waits at the end leaves by `onEnd`. */
  readonly timersAtEnd = 'drop'
  #period!: ValueState<Period>
  #waiting!: WaitingRecords<KeptHeaders & { readonly value: unknown }>
  #context!: OperatorContext

  constructor(options: { readonly records: number; readonly perMs: number; readonly drops: boolean }) {
    this.#options = options
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#period = context.value({ name: 'period' })
    this.#waiting = new WaitingRecords(context)
  }

  process({ value, headers }: StreamRecord<unknown>, out: Collector<unknown>): void {
    const { records, perMs, drops } = this.#options
    const { timers } = this.#context
    const now = this.#context.now()
    let period = this.#period.get()
    if (period === undefined) {
      period = { start: now, passed: 0 }
      // The period is forgotten when it ends, so that quiet keys leave nothing behind.
      timers.setProcessing(now + perMs)
    }
    if (period.passed < records && this.#waiting.isEmpty) {
      this.#period.set({ ...period, passed: period.passed + 1 })
      out.emit(value)
    } else if (drops) {
      this.#context.count('skipped')
    } else {
      this.#waiting.add({ value, ...kept(headers) })
    }
  }

  onTimer({ time }: Timer, out: Collector<unknown>): void {
    const { records, perMs } = this.#options
    let passed = 0
    for (; passed < records && !this.#waiting.isEmpty; passed++) this.#emitNext(out)
    if (passed === 0) return this.#period.clear()
    const start = Math.max(time, this.#context.now())
    this.#period.set({ start, passed })
    this.#context.timers.setProcessing(start + perMs)
  }

  /** The end of the input waits for nothing. */
  onEnd(_key: Key, out: Collector<unknown>): void {
    while (!this.#waiting.isEmpty) this.#emitNext(out)
    this.#period.clear()
  }

  #emitNext(out: Collector<unknown>): void {
    const { value, headers } = this.#waiting.take()
    this.#context.setHeaders(headers)
    out.emit(value)
  }
}

/** The parts of the node of `throttle`. */
export function throttleParts(name: string, options: ThrottleOptions): OperatorParts {
  requireKnown(`throttle '${name}'`, options, ['onError', 'records', 'per', 'excess'])
  const { records, per, excess = 'wait' } = options
  requireChoice(`excess of '${name}'`, excess, ['wait', 'drop'])
  const parts = {
    records: wholeNumber(records, `records of '${name}'`),
    perMs: positiveDurationMs(per, `per of '${name}'`),
    drops: excess === 'drop',
  }
  return {
    type: 'throttle',
    fingerprint: {
      pieces: [...WaitingRecords.pieces, statePiece('value', { name: 'period' })],
      settings: [],
    },
    outputs: [],
    keeps: 'records that wait for their turn',
    create: () => new ThrottleOperator(parts),
  }
}
