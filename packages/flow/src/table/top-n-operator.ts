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
import { keyToken, TokenMap, tokenKey } from '@millrace/core/store'
import { GroupRows, groupRowsPiece } from './group-rows.ts'
import type { GroupedChange } from './grouped-change.ts'
import { RankedRows, tokenOf, type RankedRow, type RowOrder } from './ranked-rows.ts'
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
    const token = this.#context.keyToken()
    const known = this.#groups.get(token)
    const ranked = known ?? this.#restored()
    const end = this.#parts.offset + this.#limitOf(group)
    const shown = this.#parts.isTable
      ? this.#replace(value as GroupedChange, ranked, end)
      : this.#add(value, ranked, end)
    if (ranked.size === 0) this.#groups.delete(token)
    else if (known === undefined) this.#groups.add(token, ranked)
    if (shown === undefined) return
    const now = ranked.slice(this.#parts.offset, end)
    if (this.#parts.isRanked) this.#emitByRank(group, shown, now, out)
    else emitByRow(group, shown, now, out)
  }

  /** Adds a row to a stream, whose key is its number. Returns the rows shown before; undefined if none changes. */
  #add(value: unknown, ranked: RankedRows, end: number): readonly RankedRow[] | undefined {
    if (!ranked.admits(value, end)) return undefined
    const row: RankedRow = { row: value, number: ranked.nextNumber }
    const rank = ranked.rankOf(row)
    // From here on no function of the user is called, so a record that fails has changed nothing.
    const shown = ranked.slice(this.#parts.offset, end)
    ranked.insert(rank, row)
    this.#rows.store(row.number, undefined, row)
    if (ranked.size > end) this.#rows.delete(ranked.delete(end).number)
    return shown
  }

  /** Adds, replaces or deletes a row of a table. Returns the rows shown before. */
  #replace(change: GroupedChange, ranked: RankedRows, end: number): readonly RankedRow[] {
    const cell = this.#rows.find(change)
    const old = cell?.value
    const from = old === undefined ? undefined : ranked.rankOf(old)
    const { key, after } = change
    const number = old?.number ?? ranked.nextNumber
    const row = after === undefined ? undefined : { row: after, number, token: keyToken(key) }
    const rank = row && ranked.rankOf(row)
    // From here on no function of the user is called, so a record that fails has changed nothing.
    const shown = ranked.slice(this.#parts.offset, end)
    if (from !== undefined) ranked.delete(from)
    // The rank was found with the old row in place.
    if (row !== undefined) ranked.insert(from !== undefined && from < rank! ? rank! - 1 : rank!, row)
    this.#rows.store(key, cell, row && { row: after, number })
    return shown
  }

  /** The rows of the current group, from the state. */
  #restored(): RankedRows {
    const { order, isTable } = this.#parts
    const rows = Array.from(this.#rows.cells(), ({ inner, value }) =>
      isTable ? { ...value, token: inner } : value,
    )
    return new RankedRows(rows, order)
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

  /** Emits what has changed, rank by rank. */
  #emitByRank(
    group: Key,
    old: readonly RankedRow[],
    now: readonly RankedRow[],
    out: Collector<RowChange>,
  ): void {
    const length = Math.max(old.length, now.length)
    for (let i = 0; i < length; i++) {
      const before = old[i]
      const after = now[i]
      if (before === after) continue
      // Two rows of one rank have the same result if they have the same content.
      if (before !== undefined && after !== undefined && isSameRow(before.row, after.row)) continue
      const rank = this.#parts.offset + i + 1
      out.emit({
        key: [group, rank],
        before: before && { key: group, rank, value: before.row },
        after: after && { key: group, rank, value: after.row },
      })
    }
  }
}

/** Emits what has changed, row by row: first those that leave. */
function emitByRow(
  group: Key,
  old: readonly RankedRow[],
  now: readonly RankedRow[],
  out: Collector<RowChange>,
): void {
  const before = new Map(old.map((row) => [tokenOf(row), row.row]))
  const after = new Set(now.map(tokenOf))
  for (const ranked of old) {
    const token = tokenOf(ranked)
    if (!after.has(token)) out.emit({ key: [group, tokenKey(token)], before: ranked.row, after: undefined })
  }
  for (const ranked of now) {
    const token = tokenOf(ranked)
    const row = before.get(token)
    if (!isSameRow(row, ranked.row)) {
      out.emit({ key: [group, tokenKey(token)], before: row, after: ranked.row })
    }
  }
}
