/**
 * The first rows of each group, in the user's order.
 *
 * True between any two calls:
 *
 *  1. `#groups` has the rows of a group in order, or nothing for it: then they follow from the state.
 *  2. The rows from rank `offset + 1` to `offset + n` of a group are those that the emitted changes have left.
 *  3. Of a stream, whose rows never leave by themselves, no row behind rank `offset + n` is kept.
 */
import { MillraceError, type Key } from '@millrace/core'
import {
  isThenable,
  refusePromise,
  type Collector,
  type Fingerprint,
  type Operator,
  type OperatorContext,
  type StreamRecord,
} from '@millrace/core/operator'
import { keyToken, TokenMap, tokenKey, type Cell } from '@millrace/core/store'
import { GroupRows, groupRowsPiece, type GroupRow } from './group-rows.ts'
import type { GroupedChange } from './grouped-change.ts'
import { RankedRows, type RankedRow, type RowOrder } from './ranked-rows.ts'
import type { RowChange } from './row-change.ts'
import { isSameRow } from './same-row.ts'

/** What to rank, and how. */
export interface TopNParts {
  readonly order: RowOrder
  /** How many rows of a group come out: a number, or a function of the group. */
  readonly n: number | ((group: Key) => number)
  /** How many rows are left out before. */
  readonly offset: number
  /** Whether results have their rank, and are stored under it. */
  readonly isRanked: boolean
  /** Whether the input is a table; otherwise each record is a new row. */
  readonly isTable: boolean
}

export class TopNOperator implements Operator<unknown, RowChange> {
  readonly fingerprint: Fingerprint
  readonly #parts: TopNParts
  readonly #groups = new TokenMap<RankedRows>()
  #context!: OperatorContext
  #rows!: GroupRows

  constructor(parts: TopNParts) {
    this.#parts = parts
    this.fingerprint = {
      pieces: [groupRowsPiece],
      settings: [
        { name: 'input', value: parts.isTable ? 'table' : 'stream' },
        { name: 'n', value: typeof parts.n === 'number' ? parts.n : 'by group' },
        { name: 'offset', value: parts.offset },
        { name: 'rank', value: parts.isRanked },
      ],
    }
  }

  open(context: OperatorContext): void {
    this.#context = context
    this.#rows = new GroupRows(context)
  }

  process({ value, key }: StreamRecord<unknown>, out: Collector<RowChange>): void {
    const group = key!
    const ranked = this.#rankedRows()
    const end = this.#parts.offset + this.#limitOf(group)
    if (this.#parts.isTable) {
      const change = value as GroupedChange
      this.#apply(change, this.#rows.find(change), { ranked, end, out })
    } else if (ranked.admits(value, end)) {
      // A record is a new row whose key is its number.
      const change = { group, key: ranked.nextNumber, before: undefined, after: value }
      this.#apply(change, undefined, { ranked, end, out })
    }
  }

  #apply(
    change: GroupedChange,
    cell: Cell<GroupRow> | undefined,
    { ranked, end, out }: { ranked: RankedRows; end: number; out: Collector<RowChange> },
  ): void {
    const { offset, isTable } = this.#parts
    const old = cell?.value
    const number = old?.number ?? ranked.nextNumber
    const from = old === undefined ? undefined : ranked.rankOf(old)
    const row = rowOf(change, number)
    const rank = row && ranked.rankOf(row)
    // From here on no function of the user is called, so a record that fails has changed nothing.
    const shown = ranked.slice(offset, end)
    if (from !== undefined) ranked.delete(from)
    // The rank was found with the old row in place.
    if (row !== undefined) ranked.insert(from !== undefined && from < rank! ? rank! - 1 : rank!, row)
    this.#rows.store(change, cell, number)
    if (!isTable && ranked.size > end) this.#rows.delete(ranked.delete(end).token)
    this.#keep(ranked)
    this.#emit(change.group, shown, ranked.slice(offset, end), out)
  }

  /** The rows of the current group. */
  #rankedRows(): RankedRows {
    const known = this.#groups.get(this.#context.keyToken())
    if (known !== undefined) return known
    const rows = Array.from(this.#rows.cells(), ({ inner, value }) => ({ ...value, token: inner }))
    return new RankedRows(rows, this.#parts.order)
  }

  #keep(ranked: RankedRows): void {
    const token = this.#context.keyToken()
    if (ranked.size === 0) this.#groups.delete(token)
    else if (this.#groups.get(token) === undefined) this.#groups.add(token, ranked)
  }

  #limitOf(group: Key): number {
    const { n } = this.#parts
    if (typeof n === 'number') return n
    const limit: unknown = n(group)
    if (isThenable(limit)) refusePromise(limit, 'n returned')
    if (Number.isSafeInteger(limit) && (limit as number) >= 0) return limit as number
    throw new MillraceError(
      'OPERATOR_FAILED',
      `n returned ${String(limit)} for a group; return a whole number from 0`,
    )
  }

  #emit(group: Key, old: readonly RankedRow[], now: readonly RankedRow[], out: Collector<RowChange>): void {
    const { isRanked, offset } = this.#parts
    const changes = isRanked ? changesByRank(group, offset, old, now) : changesByRow(group, old, now)
    for (const change of changes) if (!isSameRow(change.before, change.after)) out.emit(change)
  }
}

function rowOf({ key, after }: GroupedChange, number: number): RankedRow | undefined {
  return after === undefined ? undefined : { row: after, number, token: keyToken(key) }
}

/** What has changed, rank by rank. */
function* changesByRank(
  group: Key,
  offset: number,
  old: readonly RankedRow[],
  now: readonly RankedRow[],
): Generator<RowChange> {
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    if (old[i] === now[i]) continue
    const rank = offset + i + 1
    const at = (row: RankedRow | undefined): unknown => row && { key: group, rank, value: row.row }
    yield { key: [group, rank], before: at(old[i]), after: at(now[i]) }
  }
}

/** What has changed, row by row: first those that leave. */
function* changesByRow(
  group: Key,
  old: readonly RankedRow[],
  now: readonly RankedRow[],
): Generator<RowChange> {
  const before = new Map(old.map((row) => [row.token, row.row]))
  const after = new Set(now.map(({ token }) => token))
  for (const { token, row } of old) {
    if (!after.has(token)) yield { key: [group, tokenKey(token)], before: row, after: undefined }
  }
  for (const { token, row } of now) {
    yield { key: [group, tokenKey(token)], before: before.get(token), after: row }
  }
}
