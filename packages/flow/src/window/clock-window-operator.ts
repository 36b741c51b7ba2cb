/**
 * Windows by the clock.
 *
 * Each window of each key has a cell of accumulators, stored by (window end, key), and a processing timer for its
 * end. Timers are part of checkpoints: a window that ended while the job was down is emitted at the start.
 */
import type { EventTime } from '@millrace/core'
import {
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
  type Timer,
} from '@millrace/core/operator'
import type { StateTable } from '@millrace/core/store'
import { accumulatorsOf, type Accumulators } from './accumulators.ts'
import { isBetweenWindows, sliceAround, windowSettings, type WindowAssigner } from './assigner.ts'
import type { ClockWindows } from './clock.ts'
import { windowResult, type AggregateParts } from './window-result.ts'

/** The windows and what to compute in them. */
export interface ClockWindowParts extends Omit<AggregateParts, 'latenessMs'> {
  readonly windows: ClockWindows
}

const windowsPiece = statePiece('clock windows', {
  name: 'windows',
  codec: { id: 'accumulators', version: 1 },
})

/** Windows by the clock. Those of event time have the other window operators. */
export class ClockWindowOperator implements Operator<unknown, unknown> {
  readonly fingerprint: Fingerprint
  readonly #assigner: WindowAssigner
  readonly #hasKey: boolean
  readonly #accumulators: Accumulators
  #context!: OperatorContext
  #table!: StateTable<unknown>

  constructor({ name, windows, aggregates, hasKey = true }: ClockWindowParts) {
    this.#assigner = windows.assigner
    this.#hasKey = hasKey
    this.#accumulators = accumulatorsOf(aggregates, name)
    this.fingerprint = {
      pieces: [windowsPiece, ...this.#accumulators.pieces],
      settings: windowSettings(windows, name),
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#table = context.table({
      name: 'windows',
      codec: this.#accumulators.codec,
      backup: (accumulators) => this.#accumulators.backup(accumulators),
    })
  }

  process({ value }: StreamRecord<unknown>): void {
    const slice = sliceAround(this.#assigner, this.#context.now())
    if (isBetweenWindows(slice)) {
      this.#context.count('skipped')
      return
    }
    let end = slice.firstWindowEnd
    for (; end <= slice.lastWindowEnd; end = this.#assigner.slice(end).firstWindowEnd) this.#add(end, value)
  }

  onTimer({ key, name }: Timer, out: Collector<unknown>): void {
    const end = Number(name)
    const cell = this.#table.find(end, this.#context.keyToken())
    if (cell === undefined) return
    const window = { start: this.#assigner.startOf(end), end }
    const shown = this.#hasKey ? key : undefined
    out.emit(windowResult(this.#accumulators, { key: shown, window, values: cell.value }))
    this.#table.delete(cell)
  }

  #add(end: EventTime, value: unknown): void {
    const token = this.#context.keyToken()
    const cell = this.#table.find(end, token)
    if (cell === undefined) {
      this.#table.create(end, token, this.#context.keyGroup(), this.#accumulators.first(value))
      this.#context.timers.setProcessing(end, String(end))
    } else {
      cell.value = this.#accumulators.add(cell.value, value)
      this.#table.changed(cell)
    }
  }
}
