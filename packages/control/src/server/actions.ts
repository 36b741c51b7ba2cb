import { describeError } from '@millrace/core'
import type { Action, ActionResult, LetterSelection } from '../contract/actions.ts'
import type { LogLevel } from '../contract/job.ts'
import { rightOfAction } from '../contract/rights.ts'
import type { WatchedJob } from '../job/watched-job.ts'
import {
  dropLetters,
  lettersOf,
  redrivableOf,
  redriveLetters,
  type LoggedLetter,
} from '../letters/letters.ts'
import { rehearse } from '../letters/rehearsal.ts'
import { partName, type DividedJob } from '../parts/divided-job.ts'
import { RequestError } from './problems.ts'

const nothing = { checkpoint: null, letters: null, refused: [], rehearsal: null }

/** What a part of a job cannot do by itself. */
const forWholeJobs: ReadonlySet<Action['action']> = new Set(['savepoint', 'stop', 'drain'])

/** The name of the action that a body asks for; undefined if it is none. */
export function actionNameOf(body: unknown): Action['action'] | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const given = (body as Fields)['action']
  return (Object.keys(rightOfAction) as Action['action'][]).find((name) => name === given)
}

/** Does what an action asks for. Throws for an invalid action. */
export async function act(job: WatchedJob, body: unknown): Promise<ActionResult> {
  const action = actionOf(body)
  if (job.isPart && forWholeJobs.has(action.action)) {
    throw new RequestError(
      409,
      'OPTION_INVALID',
      `'${job.name}' is a part of a job that several workers run, and cannot ${action.action} by itself; stop the workers`,
    )
  }
  return carryOut(job, action)
}

/** Does what an action asks of a job that several workers run together. Throws for one that is for a part of it. */
export function actOnWhole(job: DividedJob, body: unknown): ActionResult {
  const action = actionOf(body)
  const done = (text: string): ActionResult => ({ action: action.action, text, ...nothing })
  if (action.action === 'drain') {
    job.end('drain')
    return done('the job drains, in all workers: windows and timers fire, then they end')
  }
  if (action.action === 'stop' && action.savepoint === undefined) {
    job.end('stop')
    return done('the job stops, in all workers')
  }
  throw new RequestError(
    409,
    'OPTION_INVALID',
    `'${job.name}' is run by several workers, which cannot ${action.action} together; name a lease, as ${partName(job, 0)}`,
  )
}

async function carryOut(watched: WatchedJob, action: Action): Promise<ActionResult> {
  const { job } = watched
  const done = (text: string, more: Partial<ActionResult> = {}): ActionResult => ({
    action: action.action,
    text,
    ...nothing,
    ...more,
  })
  switch (action.action) {
    case 'checkpoint': {
      const { checkpoint } = await job.checkpoint()
      return done(`checkpoint ${checkpoint} was made`, { checkpoint })
    }
    case 'savepoint': {
      const { checkpoint } = await job.savepoint(action.directory)
      return done(`checkpoint ${checkpoint} was written to ${action.directory}`, { checkpoint })
    }
    case 'stop': {
      const { savepoint } = action
      if (savepoint === undefined) {
        void job.stop()
        return done('the job stops')
      }
      const result = await job.stop({ savepoint })
      if (result.outcome === 'failed') throw result.error
      const { checkpoint } = job.status().lastCheckpoint!
      return done(`checkpoint ${checkpoint} was written to ${savepoint}, and the job has stopped`, {
        checkpoint,
      })
    }
    case 'drain':
      void job.stop({ drain: true })
      return done('the job drains: its windows and timers fire, then it ends')
    case 'pause':
      job.pause(action.source)
      return done(`source '${action.source}' is paused`)
    case 'resume':
      job.resume(action.source)
      return done(`source '${action.source}' reads again`)
    case 'logLevel':
      watched.logLevel = action.level
      return done(`lines from level ${action.level} on are logged`)
    case 'redrive':
      return done('', await redrive(watched, action.letters, action.rehearse === true))
    case 'drop': {
      const letters = await select(watched, action.letters)
      await dropLetters(watched.options, letters)
      return done(`${lettersText(letters.length)} dropped`, { letters: letters.length })
    }
  }
}

function lettersText(count: number): string {
  return count === 1 ? '1 letter was' : `${count} letters were`
}

async function select({ options }: WatchedJob, selection: LetterSelection): Promise<readonly LoggedLetter[]> {
  return lettersOf(options, selection)
}

async function redrive(
  watched: WatchedJob,
  selection: LetterSelection,
  isRehearsal: boolean,
): Promise<Partial<ActionResult>> {
  const { options } = watched
  const isNamed = (selection.ids?.length ?? 0) > 0
  const { able, refused } = redrivableOf(options, await select(watched, selection), isNamed)
  const letters = able.length
  if (isRehearsal) {
    const { written, failed, error } = await rehearse(
      options,
      able.map(({ letter }) => letter),
    )
    const rehearsal = {
      written: Array.from(written, ([sink, records]) => ({ sink, records })),
      failed: failed.map(({ operator, code, message }) => ({ operator, code, message })),
      error: error === undefined ? null : describeError(error),
    }
    return { text: `${lettersText(letters)} rehearsed; nothing was changed`, letters, refused, rehearsal }
  }
  await redriveLetters(options, able)
  return { text: `${lettersText(letters)} queued for their sources`, letters, refused }
}

type Fields = Readonly<Record<string, unknown>>

/** Checks the body of a request. */
function actionOf(body: unknown): Action {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('send a JSON object')
  const fields = body as Fields
  switch (fields['action']) {
    case 'checkpoint':
      return { action: 'checkpoint' }
    case 'drain':
      return { action: 'drain' }
    case 'savepoint':
      return { action: 'savepoint', directory: textOf(fields, 'directory') }
    case 'stop':
      return fields['savepoint'] === undefined
        ? { action: 'stop' }
        : { action: 'stop', savepoint: textOf(fields, 'savepoint') }
    case 'pause':
    case 'resume':
      return { action: fields['action'], source: textOf(fields, 'source') }
    case 'logLevel':
      return { action: 'logLevel', level: levelOf(fields['level']) }
    case 'redrive':
      return {
        action: 'redrive',
        letters: selectionOf(fields['letters']),
        rehearse: fields['rehearse'] === true,
      }
    case 'drop':
      return { action: 'drop', letters: selectionOf(fields['letters']) }
    default:
      throw invalid(
        'action is none of checkpoint, savepoint, stop, drain, pause, resume, logLevel, redrive and drop',
      )
  }
}

function invalid(message: string): RequestError {
  return new RequestError(400, 'OPTION_INVALID', message)
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`${name} is missing`)
}

function levelOf(given: unknown): LogLevel {
  const level = (['debug', 'info', 'warning', 'error'] as const).find((each) => each === given)
  if (level !== undefined) return level
  throw invalid('level is none of debug, info, warning and error')
}

function selectionOf(given: unknown): LetterSelection {
  if (typeof given !== 'object' || given === null) throw invalid('letters is missing')
  const fields = given as Fields
  const text = (name: string): object => (fields[name] === undefined ? {} : { [name]: textOf(fields, name) })
  const ids = fields['ids']
  if (ids !== undefined && !(Array.isArray(ids) && ids.every((id) => typeof id === 'string'))) {
    throw invalid('letters.ids is no list of ids')
  }
  const selection: LetterSelection = {
    ...(ids === undefined ? {} : { ids }),
    ...text('log'),
    ...text('operator'),
    ...text('code'),
  }
  if (Object.keys(selection).length === 0 && fields['all'] !== true) {
    throw invalid('letters selects nothing; give ids, log, operator, code, or all: true')
  }
  return selection
}
