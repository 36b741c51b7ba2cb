import type { Cell, KeyToken } from '@millrace/core/store'
import type { Segment } from './segment.ts'

/**
 * One live value and the place of its latest record.
 *
 * `epoch`, compared with the epoch of the table, says what a snapshot must do:
 *
 *  - 0: clean. The latest record has the current value.
 *  - the table's epoch: dirty. It is in the list that the next freeze takes.
 *  - any other value: owed. It is in a frozen list and its record is not written yet.
 *
 * So increasing the table's epoch in a freeze makes every dirty cell owed without touching one.
 */
export class MemoryCell<T> implements Cell<T> {
  declare value: T
  declare epoch: number
  /** Deleted from the table. Dead with a segment: a tombstone is needed. Dead without one: nothing is. */
  declare isDead: boolean
  /** The segment of its latest record; undefined before the first one. */
  declare segment: Segment | undefined
  /** The length of that record. */
  declare bytes: number
  /** Its number in the order of creation of all cells of the job. Never reused. */
  declare readonly seq: number
  declare readonly outer: KeyToken
  declare readonly inner: KeyToken
  declare readonly group: number

  /** The fields that every look-up reads come first, so that they are usually in one cache line. */
  constructor(outer: KeyToken, inner: KeyToken, group: number, value: T, seq: number, epoch: number) {
    this.value = value
    this.epoch = epoch
    this.isDead = false
    this.segment = undefined
    this.bytes = 0
    this.seq = seq
    this.outer = outer
    this.inner = inner
    this.group = group
  }
}
