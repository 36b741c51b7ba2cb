import { describeError, isMillraceError, maskLogins } from '@millrace/core'
import type { Role } from '../contract/rights.ts'
import type { Happenings } from '../job/happenings.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import { RequestError } from './problems.ts'

/** Who asks for what, and where that is written. */
export interface Asked {
  readonly by: Role
  /** As `pause source=orders`: see `askedText`. */
  readonly asked: string
  /** The event logs of the jobs that it is about. */
  readonly logs: readonly Pick<Happenings, 'add'>[]
}

/** Who asks for something of some jobs. */
export function askedBy(by: Role, name: string, body: unknown, jobs: Iterable<WatchedJob>): Asked {
  return { by, asked: askedText(name, body), logs: Array.from(jobs, ({ happenings: log }) => log) }
}

/** What was done, for the event log. */
interface Done {
  readonly text: string
  readonly checkpoint?: number | null
}

/**
 * Does what was asked for, and writes to the event log who asked for it and what came of it, also where it was refused or has failed.
 * Returns and throws what `work` does.
 */
export async function audited<T extends Done>(
  { by, asked, logs }: Asked,
  work: () => Promise<T>,
): Promise<T> {
  const who = { by, asked: maskLogins(asked) }
  try {
    const done = await work()
    for (const log of logs)
      log.add('action', 'info', done.text, { ...who, checkpoint: done.checkpoint ?? null })
    return done
  } catch (error) {
    const code = error instanceof RequestError || isMillraceError(error) ? error.code : null
    const text = `it was not done: ${describeError(error)}`
    for (const log of logs) log.add('actionFailed', 'warning', text, { ...who, code })
    throw error
  }
}

/** The fields of actions. Others are not written to the log: they are none of ours, and may be anything. */
const fieldsShown = ['operator', 'output', 'directory', 'savepoint', 'source', 'level', 'rehearse', 'seconds']
const selectionShown = ['log', 'operator', 'code', 'all']
const idsShown = 10
const lengthMax = 200

/** What a request asks for, as one line: the name of the action and those of its fields that are known. */
function askedText(name: string, body: unknown): string {
  const fields = fieldsOf(body)
  const letters = fieldsOf(fields['letters'])
  return [
    shown(name),
    ...fieldsShown.flatMap((field) => textOf(field, fields[field])),
    ...selectionShown.flatMap((field) => textOf(field, letters[field])),
    ...idsOf(letters['ids']),
  ].join(' ')
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function textOf(field: string, value: unknown): readonly string[] {
  const isShown = ['string', 'number', 'boolean'].includes(typeof value)
  return isShown ? [`${field}=${shown(String(value))}`] : []
}

function idsOf(ids: unknown): readonly string[] {
  if (!Array.isArray(ids)) return []
  const first = ids.filter((id) => typeof id === 'string').slice(0, idsShown)
  const more = ids.length - first.length
  return [`ids=${shown(first.join(','))}${more > 0 ? ` and ${more} more` : ''}`]
}

function shown(text: string): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`
}
