import { MillraceError, nearest } from '@millrace/core'
import { DataDirectory, type JobOptions } from '@millrace/core/job'
import { queueLetters, readLetters, removeLetters, type KeptLetter } from '@millrace/flow'

/** A dead letter, and the name of its log: the `deadLetter(NAME)` that keeps it. */
export interface LoggedLetter {
  readonly log: string
  readonly letter: KeptLetter
}

/** Which letters: those that every given part selects. */
export interface LetterFilter {
  readonly log?: string | undefined
  readonly operator?: string | undefined
  readonly code?: string | undefined
  /** Text that the message contains. */
  readonly message?: string | undefined
  /** Absent or empty: any. */
  readonly ids?: readonly string[] | undefined
}

/**
 * The letters of a pipeline that a filter selects, oldest first in each log. Throws `OPTION_INVALID` for an unknown log,
 * and for a pipeline that keeps no letters in its data directory.
 */
export async function lettersOf(options: JobOptions, filter: LetterFilter): Promise<readonly LoggedLetter[]> {
  const ids = new Set(filter.ids)
  const { operator, code, message = '' } = filter
  const found: LoggedLetter[] = []
  for (const log of logsOf(options, filter.log)) {
    for (const letter of await readLetters(options.platform.fs, directoryOf(options, log))) {
      if (ids.size > 0 && !ids.has(letter.id)) continue
      if ((operator ?? letter.operator) !== letter.operator || (code ?? letter.code) !== letter.code) continue
      if (!letter.message.includes(message)) continue
      found.push({ log, letter })
    }
  }
  return found
}

/** The logs of dead letters that a pipeline keeps in its data directory. */
export function letterLogs({ graph }: Pick<JobOptions, 'graph'>): readonly string[] {
  return graph.nodes.flatMap((node) =>
    node.kind === 'sink' && node.sink.kind === 'dead-letters' ? [node.name] : [],
  )
}

function logsOf(options: JobOptions, log: string | undefined): readonly string[] {
  const logs = letterLogs(options)
  if (logs.length === 0) {
    throw new MillraceError(
      'OPTION_INVALID',
      `pipeline '${options.graph.name}' keeps no dead letters in its data directory; set onError: deadLetter(name), without a sink`,
    )
  }
  if (log === undefined) return logs
  if (logs.includes(log)) return [log]
  const meant = nearest(log, logs)
  throw new MillraceError(
    'OPTION_INVALID',
    `there is no log '${log}', and the pipeline has ${logs.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  )
}

/** After so many redrives a letter is redriven only if it is named by its id, so that scripts do not repeat it without end. */
const redrivesMax = 5

/** Why a letter is not redriven; undefined if it is. `isNamed`: its id was given. */
export function obstacle(
  { graph }: Pick<JobOptions, 'graph'>,
  letter: KeptLetter,
  isNamed: boolean,
): string | undefined {
  const source = graph.nodes.find((node) => node.kind === 'source' && node.name === letter.source)
  if (letter.raw === null || letter.source === null) return 'has no bytes of its record'
  if (letter.code === 'RECORD_TOO_LARGE') return 'has only the beginning of its record'
  if (source?.kind !== 'source') return `is of source '${letter.source}', which the pipeline no longer has`
  if (source.source.decode === undefined)
    return `is of source '${letter.source}', which cannot decode single records`
  if (letter.redrives >= redrivesMax && !isNamed)
    return `was redriven ${letter.redrives} times; name it with --id`
  return undefined
}

/** Letters to redrive, and those that are not, with the reason. */
export interface Redrivable {
  readonly able: readonly LoggedLetter[]
  readonly refused: readonly { readonly id: string; readonly why: string }[]
}

/** Which of `letters` can be redriven. */
export function redrivableOf(
  options: JobOptions,
  letters: readonly LoggedLetter[],
  isNamed: boolean,
): Redrivable {
  const able: LoggedLetter[] = []
  const refused: { id: string; why: string }[] = []
  for (const each of letters) {
    const why = obstacle(options, each.letter, isNamed)
    if (why === undefined) able.push(each)
    else refused.push({ id: each.letter.id, why })
  }
  return { able, refused }
}

/**
 * Puts letters into the queues of their sources, and removes them from their logs. Returns how many are queued for each
 * source, which reads them at the next start of the job, or soon if it runs.
 */
export async function redriveLetters(
  options: JobOptions,
  letters: readonly LoggedLetter[],
): Promise<ReadonlyMap<string, number>> {
  const { fs } = options.platform
  const queued = new Map<string, number>()
  for (const source of new Set(letters.map(({ letter }) => letter.source!))) {
    const own = letters.filter(({ letter }) => letter.source === source).map(({ letter }) => letter)
    await queueLetters(fs, directoryOf(options, source), own)
    queued.set(source, own.length)
  }
  await dropLetters(options, letters)
  return queued
}

/** Removes letters from their logs. */
export async function dropLetters(options: JobOptions, letters: readonly LoggedLetter[]): Promise<void> {
  for (const log of new Set(letters.map((each) => each.log))) {
    const ids = letters.filter((each) => each.log === log).map(({ letter }) => letter.id)
    await removeLetters(options.platform.fs, directoryOf(options, log), new Set(ids))
  }
}

function directoryOf({ directory }: JobOptions, connector: string): string {
  return new DataDirectory(directory).connector(connector)
}
