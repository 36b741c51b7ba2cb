import { MillraceError } from '../errors/errors.ts'
import type { Graph } from '../graph/node.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import type { ScannedRows, ScannedState, StateScan } from '../state/state-walks.ts'

/** Reads state of an operator from all workers. */
export async function readWorkers(
  workers: readonly { readState(query: StateQuery): Promise<readonly StateRow[]> }[],
  query: StateQuery,
): Promise<readonly StateRow[]> {
  const rows: StateRow[] = []
  let { skip } = query
  for (const worker of workers) {
    // Rows that are skipped may be in several workers, so each is asked for them as well.
    const found = await worker.readState({ ...query, skip: 0, limit: skip + query.limit - rows.length })
    rows.push(...found.slice(skip))
    skip = Math.max(0, skip - found.length)
    if (rows.length >= query.limit) break
  }
  return rows
}

/** Reads a part of the state of an operator, worker by worker. */
export async function scanWorkers(
  workers: readonly { scanState(scan: StateScan): Promise<ScannedRows> }[],
  scan: StateScan,
): Promise<ScannedState> {
  const rows: StateRow[] = []
  let { looksAt } = scan
  let { passed } = scan.from
  for (let { worker } = scan.from; worker < workers.length; worker++) {
    const part = { ...scan, from: { worker, passed }, limit: scan.limit - rows.length, looksAt }
    const found = await workers[worker]!.scanState(part)
    rows.push(...found.rows)
    looksAt -= found.looked
    if (found.passed !== undefined) return { rows, next: { worker, passed: found.passed } }
    passed = 0
  }
  return { rows, next: undefined }
}

/** The kinds of the pieces of an operator's state, by name. */
export function kindsOf({ nodes }: Graph, operator: string): ReadonlyMap<string, string> {
  const node = nodes.find(({ name }) => name === operator)
  const pieces = node?.kind === 'operator' ? (node.fingerprint?.pieces ?? []) : []
  return new Map(pieces.map(({ name, kind }) => [name, kind]))
}

/** The attempt of a job whose state or records can be read. Throws `JOB_FAILED` if they cannot be read in this phase. */
export function readable<A>(phase: string, attempt: A | undefined, what = 'state'): A {
  if ((phase === 'running' || phase === 'stopping') && attempt !== undefined) return attempt
  throw new MillraceError(
    'JOB_FAILED',
    `the job is ${phase}, and its ${what} cannot be read; try again later`,
  )
}
