import type { EventTime } from '@millrace/core'
import { statePiece, type Backup, type Fingerprint, type OperatorContext } from '@millrace/core/operator'
import { TokenMap, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import { SortedTimes } from '../window/sorted-times.ts'

/** The rows of one key and event time: all of them meet the same rows of the other side. */
export interface Rows {
  readonly values: unknown[]
  /** Whether a row of the other side has met them. */
  isMatched: boolean
}

const noTimes = new SortedTimes()

const backupRows: Backup<Rows> = ({ values, isMatched }) => {
  const { length } = values
  return () => ({ values: values.length === length ? values : values.slice(0, length), isMatched })
}

/** What a checkpoint knows of rows under the name of a side. */
export function rowsPiece(side: string): Fingerprint['pieces'][number] {
  return statePiece('rows', { name: side })
}

/**
 * The rows of one side of a join, by event time and key.
 *
 * State is filed under (event time, key). Which times a key has is not saved: it follows from the table.
 *
 * The engine takes back what a record that fails has done to the table, and nothing else. So `add` comes last in the
 * handling of a record.
 */
export class TimedRows {
  readonly #context: OperatorContext
  readonly #table: StateTable<Rows>
  readonly #times = new TokenMap<SortedTimes>()

  constructor(context: OperatorContext, side: string) {
    this.#context = context
    this.#table = context.table<Rows>({ name: side, backup: backupRows })
  }

  /** The times at which a key has rows. */
  timesOf(key: KeyToken): SortedTimes {
    return this.#times.get(key) ?? noTimes
  }

  find(time: EventTime, key: KeyToken): Cell<Rows> | undefined {
    return this.#table.find(time, key)
  }

  /** The cells at one time, of all keys. */
  at(time: EventTime): Iterable<Cell<Rows>> {
    return this.#table.cells(time)
  }

  /** The rows have met a row of the other side. */
  match(cell: Cell<Rows>): void {
    if (cell.value.isMatched) return
    cell.value.isMatched = true
    this.#table.changed(cell)
  }

  /** Adds a row of the current key. */
  add(time: EventTime, value: unknown, isMatched: boolean): void {
    const token = this.#context.keyToken()
    const cell = this.#table.find(time, token)
    if (cell === undefined) {
      this.#table.create(time, token, this.#context.keyGroup(), { values: [value], isMatched })
      this.#index(time, token)
    } else {
      cell.value.values.push(value)
      cell.value.isMatched ||= isMatched
      this.#table.changed(cell)
    }
  }

  /** Drops the rows of one key and time. */
  delete(cell: Cell<Rows>): void {
    this.#leave(cell.outer as EventTime, cell.inner)
    this.#table.delete(cell)
  }

  /** Drops all rows of one time. Yields sometimes. */
  *deleteAt(time: EventTime): Generator<undefined> {
    for (const { inner } of this.#table.cells(time)) {
      this.#leave(time, inner)
      yield undefined
    }
    this.#table.deleteOuter(time)
  }

  /** State is in place: yields the times that have rows, and undefined where it takes long. */
  *restore(): Generator<EventTime | undefined> {
    for (const outer of this.#table.outers()) {
      const time = outer as EventTime
      for (const { inner } of this.#table.cells(time)) {
        this.#index(time, inner)
        yield undefined
      }
      yield time
    }
  }

  #index(time: EventTime, key: KeyToken): void {
    const times = this.#times.get(key)
    if (times !== undefined) {
      times.add(time)
      return
    }
    const first = new SortedTimes()
    first.add(time)
    this.#times.add(key, first)
  }

  #leave(time: EventTime, key: KeyToken): void {
    const times = this.#times.get(key)!
    times.remove(time)
    if (times.size === 0) this.#times.delete(key)
  }
}
