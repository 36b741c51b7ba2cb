import type { Cell, KeyToken } from '@millrace/core'
import type { Segment } from './segment.ts'

/**
 * One live value and where its latest record stands.
 *
 * `epoch` says what a snapshot wants of it, compared with the epoch of its table:
 *
 *  - 0: clean. The latest record says what the cell holds.
 *  - the table's epoch: dirty. It stands in the list that the next freeze takes.
 *  - anything else: owed. It stands in a frozen list and its record is not written yet.
 *
 * So a freeze that raises the table's epoch makes every dirty cell owed without touching one.
 */
export class MemoryCell<T> implements Cell<T> {
  declare value: T
  declare epoch: number
  /** No longer in the table. Dead with a segment: a tombstone is due. Dead without one: nothing is. */
  declare isDead: boolean
  /** Where its latest record is; undefined before the first one. */
  declare segment: Segment | undefined
  /** How long that record is. */
  declare bytes: number
  /** Place in the order of creation of all cells of the job. Belongs to this cell alone, for ever. */
  declare readonly seq: number
  declare readonly outer: KeyToken
  declare readonly inner: KeyToken
  declare readonly group: number

  /** What every look-up reads comes first, to be in one line of the processor's cache more often than not. */
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
