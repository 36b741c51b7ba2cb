import {
  backupByReference,
  statePiece,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StateDescriptor,
  type StreamRecord,
  type ValueState,
} from '@millrace/core/operator'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/** A table of a join. */
export interface JoinedTable {
  /** The field of the result, and the name of the input. */
  readonly field: string
  /** Whether a result needs a row of it. */
  readonly isRequired: boolean
}

/** A row in a box, so that the state of `null` differs from none. */
interface Boxed {
  readonly row: unknown
}

const descriptorOf = ({ field }: JoinedTable): StateDescriptor<Boxed> => ({
  name: field,
  backup: backupByReference,
})

/**
 * Joins the rows that several tables have for a key.
 *
 * Invariant: the rows in state, joined, are the row that the emitted changes have left for the key.
 */
export class TableJoinOperator implements Operator<unknown, RowChange> {
  readonly fingerprint: Fingerprint
  readonly #tables: readonly JoinedTable[]
  #rows!: readonly ValueState<Boxed>[]

  constructor(tables: readonly JoinedTable[]) {
    this.#tables = tables
    const required = tables.filter(({ isRequired }) => isRequired).map(({ field }) => field)
    this.fingerprint = {
      pieces: tables.map((table) => statePiece('value', descriptorOf(table))),
      settings: [{ name: 'required', value: required.toSorted().join(', ') }],
    }
  }

  open(context: OperatorContext): void {
    this.#rows = this.#tables.map((table) => context.value(descriptorOf(table)))
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<RowChange>, input: number): void {
    const { after } = value as RowChange
    const before = this.#joined()
    if (after === undefined) this.#rows[input]!.clear()
    else this.#rows[input]!.set({ row: after })
    const joined = this.#joined()
    if (!isSameRow(before, joined)) out.emit({ key: key!, before, after: joined })
  }

  #joined(): Readonly<Record<string, unknown>> | undefined {
    const joined: Record<string, unknown> = {}
    let isEmpty = true
    for (const [i, { field, isRequired }] of this.#tables.entries()) {
      const box = this.#rows[i]!.get()
      if (box === undefined && isRequired) return undefined
      joined[field] = box?.row
      if (box !== undefined) isEmpty = false
    }
    return isEmpty ? undefined : joined
  }
}
