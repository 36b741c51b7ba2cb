import type { EventTime } from '@millrace/core'
import { statePiece, type Backup, type Fingerprint, type OperatorContext } from '@millrace/core/operator'
import type { Cell, StateTable } from '@millrace/core/store'

/** An event, and its references: one while it waits, and one for each node of a partial match. */
interface Slot {
  readonly value: unknown
  references: number
}

/** The events of one key and time. */
export interface Events {
  /** In order of arrival; null for one that is dropped. */
  readonly slots: (Slot | null)[]
  /** How many are not dropped. */
  live: number
}

/** A record only adds events. */
const backupEvents: Backup<Events> = ({ slots, live }) => {
  const { length } = slots
  return () => ({ slots: slots.length === length ? slots : slots.slice(0, length), live })
}

/** What a checkpoint knows of the events. */
export const eventsPiece: Fingerprint['pieces'][number] = statePiece('events', { name: 'events' })

/**
 * The events that wait for the watermark, and those that are part of partial matches.
 *
 * State is filed under (event time, key). An event is known by its time and its index there, which never changes.
 */
export class EventBuffer {
  readonly #context: OperatorContext
  readonly #table: StateTable<Events>

  constructor(context: OperatorContext) {
    this.#context = context
    this.#table = context.table<Events>({ name: 'events', backup: backupEvents })
  }

  /** Adds an event of the current key, which waits until it is released. */
  add(time: EventTime, value: unknown): void {
    const token = this.#context.keyToken()
    const slot: Slot = { value, references: 1 }
    const cell = this.#table.find(time, token)
    if (cell === undefined) {
      this.#table.create(time, token, this.#context.keyGroup(), { slots: [slot], live: 1 })
    } else {
      cell.value.slots.push(slot)
      cell.value.live++
      this.#table.changed(cell)
    }
  }

  /** The cells at one time, of all keys. */
  at(time: EventTime): Iterable<Cell<Events>> {
    return this.#table.cells(time)
  }

  /** An event of the current key. */
  value(time: EventTime, index: number): unknown {
    return this.#cell(time).value.slots[index]!.value
  }

  /** A node refers to an event of the current key. */
  retain(time: EventTime, index: number): void {
    const cell = this.#cell(time)
    cell.value.slots[index]!.references++
    this.#table.changed(cell)
  }

  /** An event of the current key has one reference less. After the last one it is dropped. */
  release(time: EventTime, index: number): void {
    const cell = this.#cell(time)
    const { slots } = cell.value
    if (--slots[index]!.references === 0) {
      slots[index] = null
      cell.value.live--
    }
    if (cell.value.live === 0) this.#table.delete(cell)
    else this.#table.changed(cell)
  }

  /** The times that have events. */
  times(): Iterable<EventTime> {
    return this.#table.outers() as Iterable<EventTime>
  }

  #cell(time: EventTime): Cell<Events> {
    return this.#table.find(time, this.#context.keyToken())!
  }
}
