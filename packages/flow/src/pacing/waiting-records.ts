import {
  statePiece,
  type MapState,
  type OperatorContext,
  type StatePiece,
  type ValueState,
} from '@millrace/core/operator'

/** The numbers of the records that wait: from `first`, up to `end` exclusive. */
interface Waiting {
  readonly first: number
  readonly end: number
}

/** A queue per key in state. Adding and taking a record costs the same, however many wait. */
export class WaitingRecords<T> {
  static readonly pieces: readonly StatePiece[] = [
    statePiece('map', { name: 'waiting' }),
    statePiece('value', { name: 'numbers' }),
  ]
  readonly #records: MapState<number, T>
  readonly #numbers: ValueState<Waiting>

  constructor(context: OperatorContext) {
    this.#records = context.map({ name: 'waiting' })
    this.#numbers = context.value({ name: 'numbers' })
  }

  get isEmpty(): boolean {
    return this.#numbers.get() === undefined
  }

  add(record: T): void {
    const { first, end } = this.#numbers.get() ?? { first: 0, end: 0 }
    this.#records.set(end, record)
    this.#numbers.set({ first, end: end + 1 })
  }

  /** The record that waits longest; undefined if none waits. */
  get first(): T | undefined {
    const numbers = this.#numbers.get()
    return numbers === undefined ? undefined : this.#records.get(numbers.first)
  }

  /** Takes out the record that waits longest; there must be one. */
  take(): T {
    const { first, end } = this.#numbers.get()!
    const record = this.#records.get(first)!
    this.#records.delete(first)
    if (first + 1 === end) this.#numbers.clear()
    else this.#numbers.set({ first: first + 1, end })
    return record
  }
}
