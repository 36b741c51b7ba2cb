import { OperatorView } from '@millrace/core/graph'
import {
  backupByReference,
  statePiece,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
} from '@millrace/core/operator'
import type { StateTable } from '@millrace/core/store'
import type { OperatorParts } from '../operators/operator-parts.ts'
import type { RowChange } from './row-change.ts'

const rows: StateDescriptor<unknown> = { name: 'rows', backup: backupByReference }

/** Rows are stored by their key alone. */
const oneOuter = 0

/**
 * Keeps the rows of a table in state, where the program reads them.
 *
 * Invariant: the row in state is the `after` of the last change of its key.
 */
class ViewOperator implements Operator<RowChange, never> {
  readonly #view: OperatorView
  #context!: OperatorContext
  #rows!: StateTable<unknown>

  constructor(view: OperatorView) {
    this.#view = view
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#rows = context.table(rows)
    this.#view.attach(context.subtask, this.#rows)
  }

  process({ value: { key, before, after } }: StreamRecord<RowChange>): void {
    const token = this.#context.keyToken()
    const cell = this.#rows.find(oneOuter, token)
    if (after === undefined) {
      if (cell === undefined) return
      this.#rows.delete(cell)
      this.#view.changed({ kind: 'delete', key, value: before })
    } else if (cell === undefined) {
      this.#rows.create(oneOuter, token, this.#context.keyGroup(), after)
      this.#view.changed({ kind: 'insert', key, value: after })
    } else {
      cell.value = after
      this.#rows.changed(cell)
      this.#view.changed({ kind: 'updateAfter', key, value: after })
    }
  }

  /** Next, the store is closed. */
  close(): void {
    this.#view.closed('ending')
  }
}

/** The parts of the node of `toView`. */
export function viewParts(name: string): OperatorParts {
  const view = new OperatorView(name)
  return {
    type: 'view',
    fingerprint: { pieces: [statePiece('value', rows)], settings: [] },
    outputs: [],
    keeps: 'the rows of the table, for the program',
    view,
    create: () => new ViewOperator(view),
  }
}
