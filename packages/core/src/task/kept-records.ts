import { keyGroup, keyGroupRange, splitGroup, type KeyGroupRange } from '../record/key-group.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Cell, StateTable, TableSpec } from '../state/state-store.ts'
import type { TaskSurroundings } from './task.ts'
import { waitingRecordOf, type Waiting, type WaitingRecord } from './waiting-record.ts'

/** The dependencies of kept records. */
interface KeptRecordsParts {
  /** The operator or sink. */
  readonly owner: string
  readonly subtask: number
  readonly around: Pick<TaskSurroundings, 'store' | 'parallelism' | 'keyGroups'>
  /** Whether a record may become a dead letter, which needs its origin. */
  readonly keepsOrigin: boolean
  /** The piece of state that they are. */
  readonly spec: Pick<TableSpec<unknown>, 'name' | 'codec'>
}

/** The records of one subtask that wait for their call or for their next attempt, as part of its state. */
export class KeptRecords {
  readonly #parts: KeptRecordsParts
  readonly #groups: KeyGroupRange
  readonly #table: StateTable<unknown>
  #sequence = 0

  constructor(parts: KeptRecordsParts) {
    const { owner, subtask, around, spec } = parts
    this.#parts = parts
    this.#groups = keyGroupRange(subtask, around.parallelism, around.keyGroups)
    this.#table = around.store.table({ owner, subtask, ...spec, groups: this.#groups })
  }

  /** The records of the restored checkpoint, in their order. */
  *restored(): Iterable<{ readonly cell: Cell<unknown>; readonly record: WaitingRecord }> {
    for (const cell of this.#table.cells(0)) {
      const sequence = Math.floor(Number(cell.inner) / this.#parts.around.keyGroups)
      this.#sequence = Math.max(this.#sequence, sequence + 1)
      yield { cell, record: cell.value as WaitingRecord }
    }
  }

  /** Adds a record to the state. */
  keep(record: Waiting & { readonly key: KeyToken | undefined }): Cell<unknown> {
    const group = this.#groupOf(record.key, record.origin?.split)
    // The group is part of the name, so that records of several subtasks can be merged after a rescale.
    const name = this.#sequence++ * this.#parts.around.keyGroups + group
    return this.#table.create(0, name, group, waitingRecordOf(record, this.#parts.keepsOrigin))
  }

  /** Attempts outlive a restart, so that a record does not get all of them again. */
  keepAttempts(record: Waiting & { readonly cell: Cell<unknown> | undefined }): void {
    if (record.cell === undefined) return
    const cell = this.#table.find(0, record.cell.inner)!
    cell.value = waitingRecordOf(record, this.#parts.keepsOrigin)
    this.#table.changed(cell)
  }

  delete(cell: Cell<unknown>): void {
    this.#table.delete(cell)
  }

  /**
   * The subtask of a record after a rescale: that of its key; without one that of its split, which keeps it before the
   * records that follow; any, if its split was elsewhere already or is no longer known.
   */
  #groupOf(token: KeyToken | undefined, split: string | undefined): number {
    const { keyGroups } = this.#parts.around
    if (token !== undefined) return keyGroup(token, keyGroups)
    const { first, last } = this.#groups
    const ofSplit = split === undefined ? -1 : splitGroup(split, keyGroups)
    return ofSplit >= first && ofSplit <= last ? ofSplit : first + (this.#sequence % (last - first + 1))
  }
}
