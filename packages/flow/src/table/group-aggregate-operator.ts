/**
 * Aggregates the rows of each group, and emits a row for each group that has rows.
 *
 * True between any two calls:
 *
 *  1. `#groups` has the accumulators of a group's rows, or nothing for it: then they follow from the state.
 *  2. `result` of a group is the row that the emitted changes have left for it.
 */
import type { Key } from '@millrace/core'
import type { Collector, Fingerprint, Operator, OperatorContext, StreamRecord } from '@millrace/core/operator'
import { TokenMap } from '@millrace/core/store'
import type { OperatorParts } from '../operators/operator-parts.ts'
import { accumulatorsOf, type Accumulators } from '../window/accumulators.ts'
import type { Aggregates } from '../window/aggregate.ts'
import { GroupRows, groupRowsPiece } from './group-rows.ts'
import type { GroupedChange } from './grouped-change.ts'
import type { RowChange } from './row-change.ts'
import { RowTree } from './row-tree.ts'
import { isSameRow } from './same-row.ts'

interface Group {
  readonly tree: RowTree
  size: number
  /** Undefined without rows. */
  result: Readonly<Record<string, unknown>> | undefined
}

class GroupAggregateOperator implements Operator<unknown, RowChange> {
  static readonly fingerprint: Fingerprint = { pieces: [groupRowsPiece], settings: [] }
  readonly #accumulators: Accumulators
  readonly #groups = new TokenMap<Group>()
  #context!: OperatorContext
  #rows!: GroupRows

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#rows = new GroupRows(context)
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<RowChange>): void {
    const change = value as GroupedChange
    const { after } = change
    const token = this.#context.keyToken()
    const cell = this.#rows.find(change)
    const accumulators = after === undefined ? undefined : this.#accumulators.first(after)
    const group = this.#groups.get(token) ?? this.#restored(key!)
    const before = group.result
    const number = cell?.value.number ?? group.tree.freeNumber
    // What an aggregate throws leaves a half-changed tree behind: then it is made again from the state.
    this.#groups.delete(token)
    if (after === undefined) group.tree.delete(number)
    else group.tree.set(number, accumulators)
    group.size += (after === undefined ? 0 : 1) - (cell === undefined ? 0 : 1)
    group.result = this.#resultOf(key!, group)
    this.#rows.store(change.key, cell, after === undefined ? undefined : { row: after, number })
    if (group.size > 0) this.#groups.add(token, group)
    if (!isSameRow(before, group.result)) out.emit({ key: key!, before, after: group.result })
  }

  #restored(key: Key): Group {
    const group: Group = { tree: new RowTree(this.#accumulators), size: 0, result: undefined }
    for (const { value } of this.#rows.cells()) {
      group.tree.set(value.number, this.#accumulators.first(value.row))
      group.size++
    }
    group.result = this.#resultOf(key, group)
    return group
  }

  #resultOf(key: Key, { tree, size }: Group): Readonly<Record<string, unknown>> | undefined {
    if (size === 0) return undefined
    const result: Record<string, unknown> = { key }
    this.#accumulators.results(tree.root, result)
    return result
  }
}

/** The parts of the node of `aggregate` on groups. */
export function groupAggregateParts(name: string, aggregates: Aggregates<unknown>): OperatorParts {
  const accumulators = accumulatorsOf(aggregates, name)
  return {
    type: 'aggregate',
    fingerprint: GroupAggregateOperator.fingerprint,
    outputs: [],
    keeps: 'all rows of each group',
    create: () => new GroupAggregateOperator(accumulators),
  }
}
