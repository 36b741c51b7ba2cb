/** What operators keep at the end, compared with the expectation: results do not show a row too many. */
import { keyToken } from '@millrace/core/store'
import type { Invariant } from '@millrace/simulator'
import { viewName } from './drawn-tables.ts'
import type { Item } from './item.ts'
import type { Prediction } from './oracle.ts'
import type { Part, PartOf, Topology } from './topology.ts'

/**
 * The invariant of what a Top-N of a stream and a view of a table keep: as many rows as the first one shows, and the rows of the
 * table.
 */
export function keptInvariant(topology: Topology, { records }: Prediction): Invariant {
  const parts = topology.parts.filter(isChecked).flatMap((part) => {
    const sink = topology.sinks.find(({ from }) => from.node === part.name)
    const rows = sink && (records.get(sink.name) as readonly Item[] | undefined)
    return rows === undefined ? [] : [{ part, rows }]
  })
  return function keptRows(_, { hasLost, faults, state }) {
    const hasEndedEarly = faults.some(({ kind }) => kind === 'drain' || kind === 'grow')
    if (hasLost || hasEndedEarly || state === undefined) return
    for (const { part, rows } of parts) {
      if (part.how.kind === 'view') requireRows(viewName(part.name), state, rows)
      else requireCount(part.name, state, rows.length)
    }
  }
}

type State = ReadonlyMap<string, readonly string[]>

function isChecked(part: Part): part is PartOf<'table'> {
  return part.kind === 'table' && (part.how.kind === 'view' || part.how.kind === 'topOfStream')
}

function requireCount(operator: string, state: State, expected: number): void {
  const kept = state.get(operator)?.length ?? 0
  if (kept !== expected)
    throw new Error(
      `the oracle expects ${expected} rows in the state of '${operator}', and there are ${kept}`,
    )
}

function requireRows(operator: string, state: State, rows: readonly Item[]): void {
  const expected = rows.map(({ key, value }) => `rows: 0, ${String(keyToken(key))} = ${String(value)}`)
  const kept = new Set(state.get(operator))
  const missing = expected.filter((row) => !kept.has(row))
  if (missing.length === 0 && kept.size === rows.length) return
  throw new Error(
    `the oracle expects ${rows.length} rows in '${operator}', and there are ${kept.size}; ${missing.length} are missing: ${missing.slice(0, 3).join(', ')}`,
  )
}
