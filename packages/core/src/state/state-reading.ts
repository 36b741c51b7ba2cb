import type { Pacing } from '../disk/yield-budget.ts'
import { keyToken, tokenKey, type KeyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import { ExpiringCell } from './expiring-cell.ts'
import type { Cell, OpenedTable, StateTable } from './state-store.ts'

/** Which state of an operator is wanted. Plain data. */
export interface StateSelection {
  readonly operator: string
  /** One piece of state; undefined: all. */
  readonly table?: string | undefined
  /** Only of this key; undefined: of all keys. */
  readonly key?: { readonly is: Key } | undefined
  /** Only of keys that are text and begin so. */
  readonly prefix?: string | undefined
  /** Only of keys that are text or numbers, as its ends, from `from` on and before `to`. */
  readonly range?:
    | { readonly from?: string | number | undefined; readonly to?: string | number | undefined }
    | undefined
}

/** Which state of an operator to read. Plain data. */
export interface StateQuery extends StateSelection {
  /** How many rows to skip, and how many to return at most. */
  readonly skip: number
  readonly limit: number
}

/** A value that is in the state of an operator. */
export interface StateRow {
  /** The piece of state. */
  readonly table: string
  readonly key: Key
  /** The key in a map, or the time of a window or a row; null where a key has one value. */
  readonly inner: Key
  readonly value: unknown
}

/** The kinds of state that store a key's cells under its token; windows and rows are stored by time, others by one constant. */
const underKey: ReadonlySet<string> = new Set([
  'map',
  'ordered map',
  'elements',
  'versioned',
  'rows of groups',
])

/**
 * Reads state while its job runs, row by row in the order of creation. Between two turns of the event loop the rows are
 * from one moment; what changes in between may be seen or not.
 *
 * `kinds` are those of the pieces, by name.
 */
export async function readState(
  opened: readonly OpenedTable[],
  kinds: ReadonlyMap<string, string>,
  query: StateQuery,
  budget: Pacing,
): Promise<readonly StateRow[]> {
  const rows: StateRow[] = []
  let skipped = 0
  for (const step of walkState(opened, kinds, query)) {
    if (budget.spend()) await budget.turn()
    if (typeof step === 'number' || skipped++ < query.skip) continue
    rows.push(step)
    if (rows.length >= query.limit) break
  }
  return rows
}

/**
 * Goes through state in the order of creation: yields each row that is wanted, and how many values were passed where none is.
 * The values of keys that are not wanted are not read where cells are stored by key.
 */
export function* walkState(
  opened: readonly OpenedTable[],
  kinds: ReadonlyMap<string, string>,
  query: StateSelection,
): Generator<StateRow | number> {
  for (const { spec, table } of opened) {
    if (spec.owner !== query.operator || spec.name.startsWith('#')) continue
    if (query.table !== undefined && query.table !== spec.name) continue
    const isUnderKey = underKey.has(kinds.get(spec.name) ?? '')
    for (const cell of cellsFor(table, isUnderKey, query)) {
      if (typeof cell === 'number') {
        yield cell
        continue
      }
      const row = rowOf(spec.name, cell, isUnderKey)
      yield isWanted(row.key, query) ? row : 1
    }
  }
}

/** The keys of the cells of a piece of this kind, each as often as it has cells. */
export function* keysOfCells(table: StateTable<unknown>, kind: string): Generator<KeyToken> {
  if (underKey.has(kind)) yield* table.outers()
  else for (const outer of table.outers()) for (const { inner } of table.cells(outer)) yield inner
}

/** The cells to look at; a number instead of as many that are passed without reading them. */
function* cellsFor(
  table: StateTable<unknown>,
  isUnderKey: boolean,
  query: StateSelection,
): Generator<Cell<unknown> | number> {
  const token = query.key && keyToken(query.key.is)
  if (token !== undefined && isUnderKey) {
    yield* table.cells(token)
    return
  }
  for (const outer of table.outers()) {
    if (token !== undefined) yield* found(table, outer, token)
    else if (isUnderKey && !isWanted(tokenKey(outer), query)) yield table.count(outer)
    else yield* table.cells(outer)
  }
}

function found(table: StateTable<unknown>, outer: KeyToken, inner: KeyToken): readonly Cell<unknown>[] {
  const cell = table.find(outer, inner)
  return cell === undefined ? [] : [cell]
}

/** Values that are stored by their key alone have this outer token. */
const noOuter = 0

function rowOf(table: string, { outer, inner, value }: Cell<unknown>, isUnderKey: boolean): StateRow {
  const shown = value instanceof ExpiringCell ? (value.value as unknown) : value
  if (isUnderKey) return { table, key: tokenKey(outer), inner: tokenKey(inner), value: shown }
  return { table, key: tokenKey(inner), inner: outer === noOuter ? null : tokenKey(outer), value: shown }
}

function isWanted(key: Key, { prefix, range }: StateSelection): boolean {
  if (prefix !== undefined && !(typeof key === 'string' && key.startsWith(prefix))) return false
  if (range === undefined) return true
  const { from, to } = range
  if ((typeof key !== 'string' && typeof key !== 'number') || Number.isNaN(key)) return false
  const isOfType = [from, to].every((end) => end === undefined || typeof end === typeof key)
  return isOfType && (from === undefined || key >= from) && (to === undefined || key < to)
}
