import { MillraceError, type Key } from '@millrace/core'
import type { ScanPlace, StateQuery, StateRow } from '@millrace/core/job'
import type { JobGraph } from '../contract/graph.ts'
import type { StateAnswer, StateEntry, StateList, StatePage, StateRead } from '../contract/state.ts'
import { timersTable } from '../job/figures.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { toExactJson } from './exact-json.ts'
import { plainJson } from './plain-json.ts'
import { stateEntry } from './state-entry.ts'

/** The operators with state that can be read. */
export function stateList({ graph, interval, job }: WatchedJob): StateList {
  const kinds = new Map(job.checkpointed.map(({ name, keys }) => [name, keys]))
  const operators = graph.operators.flatMap(({ id, type, keeps, hasState }) => {
    const tables = new Map<string, number>()
    for (const { name, cells } of interval.now.byOwner.get(id) ?? []) {
      if (name !== timersTable) tables.set(name, (tables.get(name) ?? 0) + cells)
    }
    if (!hasState || tables.size === 0) return []
    return [
      {
        operator: id,
        type,
        keeps: keeps ?? '',
        keys: kinds.get(id) ?? [],
        tables: Array.from(tables, ([table, cells]) => ({ table, cells })),
      },
    ]
  })
  return { operators }
}

/** How many values one key may have in an answer. */
const keyRowsMax = 10_000

/** How values are written: `shown` may cut them and is for people, `exact` is for programs. */
export type ValueForm = 'shown' | 'exact'

const writers: Readonly<Record<ValueForm, (value: unknown) => unknown>> = {
  shown: (value) => plainJson(value),
  exact: toExactJson,
}

/** What an operator keeps for one key. */
export async function stateOfKey(
  watched: WatchedJob,
  operator: string,
  key: Key,
  {
    table,
    read,
    form = 'shown',
  }: { readonly table: string | undefined; readonly read: StateRead; readonly form?: ValueForm },
): Promise<StateAnswer> {
  const query = { operator, table, key: { is: key }, skip: 0, limit: keyRowsMax }
  const { rows, checkpoint } = await rowsOf(watched, query, read)
  return {
    operator,
    key: shownKey(key, form),
    read,
    checkpoint,
    entries: entriesOf(watched.graph, operator, rows, form),
  }
}

/** A page of what an operator keeps. */
export async function statePage(
  watched: WatchedJob,
  query: {
    readonly operator: string
    readonly table: string | undefined
    readonly prefix: string | undefined
    readonly range?: StateQuery['range']
    readonly cursor: string
    readonly limit: number
  },
  read: StateRead,
  form: ValueForm = 'shown',
): Promise<StatePage> {
  const { operator, limit, cursor, ...selection } = query
  const from = placeOfCursor(cursor)
  if (read === 'latest') {
    const scan = { ...selection, operator, limit, from, looksAt: looksAtMost }
    const { rows, next } = await watched.job.scanState(scan)
    const entries = entriesOf(watched.graph, operator, rows, form)
    return { operator, read, checkpoint: null, entries, next: next === undefined ? null : cursorOf(next) }
  }
  const skip = from.passed
  const rest = { ...selection, operator, skip, limit: limit + 1 }
  const { rows, checkpoint } = await watched.job.readCheckpoint(rest)
  const entries = entriesOf(watched.graph, operator, rows.slice(0, limit), form)
  return { operator, read, checkpoint, entries, next: rows.length > limit ? String(skip + limit) : null }
}

/** A request looks at this many values at most, so that it ends soon also where few of them are wanted. */
const looksAtMost = 10_000

/** The place of a scan as the cursor of a request. */
function cursorOf({ worker, passed }: ScanPlace): string {
  return worker === 0 ? String(passed) : `${worker}.${passed}`
}

function placeOfCursor(cursor: string): ScanPlace {
  const parts = /^(?:(?<worker>\d{1,5})\.)?(?<passed>\d{1,15})$/.exec(cursor)?.groups
  if (parts !== undefined) return { worker: Number(parts['worker'] ?? 0), passed: Number(parts['passed']) }
  throw new MillraceError('OPTION_INVALID', `cursor is '${cursor}'; give what 'next' of a page says`)
}

/** The key of a request, as its answer shows it. */
export function shownKey(key: Key, form: ValueForm): unknown {
  return writers[form](key)
}

interface Rows {
  readonly rows: readonly StateRow[]
  readonly checkpoint: number | null
}

async function rowsOf({ job }: WatchedJob, query: StateQuery, read: StateRead): Promise<Rows> {
  return read === 'checkpoint'
    ? job.readCheckpoint(query)
    : { rows: await job.readState(query), checkpoint: null }
}

/** Values of an operator, as an answer shows them. */
export function entriesOf(
  graph: JobGraph,
  operator: string,
  rows: readonly StateRow[],
  form: ValueForm,
): readonly StateEntry[] {
  const type = graph.operators.find(({ id }) => id === operator)?.type ?? ''
  return rows.map((row) => stateEntry(row, type, writers[form]))
}

/** A key of a request: text, or JSON if it is said to be JSON. */
export function keyOf(text: string, type: 'text' | 'json'): Key | undefined {
  if (type === 'text') return text
  try {
    return JSON.parse(text) as Key
  } catch {
    return undefined
  }
}
