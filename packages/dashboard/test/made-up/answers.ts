import type {
  Action,
  ActionResult,
  EventPage,
  JobOverview,
  LetterPage,
  LogPage,
  PeekRecord,
  Right,
  Role,
  RouteName,
  SplitPage,
  StateAnswer,
  StateList,
  StatePage,
} from '@millrace/control/contract'
import { checkpointsAt, detailOf, historyAt, overviewAt, splitsOf, startOfDay } from './figures.ts'
import { diagnosisOf, entriesOf, eventsOf, groupsOf, lettersOf, logsOf } from './happenings.ts'
import type { MadeUpPipeline } from './pipelines.ts'

/** What an answer is made of. */
export interface Moment {
  readonly pipeline: MadeUpPipeline
  readonly tick: number
  readonly role: Role
  readonly changed: Partial<JobOverview>
}

const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
  viewer: ['read'],
  operator: ['read', 'operate', 'peek'],
  admin: ['read', 'operate', 'administer', 'peek'],
}

/** The answer to a route that is read; undefined if there is no such thing. */
export function answerOf(
  route: RouteName,
  parts: Readonly<Record<string, string>>,
  query: URLSearchParams,
  { pipeline, tick, role, changed }: Moment,
): unknown {
  const job = overviewAt(pipeline, tick, changed)
  switch (route) {
    case 'session':
      return { role, rights: rightsOf[role], version: '0.1.0', now: startOfDay + tick * 1_000 }
    case 'jobs':
      return { jobs: [job], whole: null }
    case 'job':
      return job
    case 'graph':
      return pipeline.graph
    case 'history':
      return historyAt(pipeline, tick)
    case 'operator':
      return detailOf(pipeline, parts['operator'] ?? '', tick)
    case 'splits':
      return splitPage(pipeline, query, tick)
    case 'checkpoints':
      return { checkpoints: checkpointsAt(tick), completed: 1_139, aborted: 2, running: null }
    case 'events':
      return { events: eventsOf(pipeline), last: 7, isCut: false } satisfies EventPage
    case 'logs':
      return { lines: logsOf(pipeline), last: 80, isCut: false } satisfies LogPage
    case 'doctor':
      return diagnosisOf(pipeline)
    case 'letters':
      return letterPage(pipeline, query)
    case 'letterGroups':
      return groupsOf(lettersOf(pipeline))
    case 'letter':
      return lettersOf(pipeline).find(({ id }) => id === parts['id'])
    case 'state':
      return stateList(pipeline)
    case 'stateScan':
      return statePage(pipeline, parts['operator'] ?? '', query)
    case 'stateOfKey':
      return stateAnswer(pipeline, parts, query)
    default:
      return undefined
  }
}

function splitPage(pipeline: MadeUpPipeline, query: URLSearchParams, tick: number): SplitPage {
  const source = query.get('source')
  const found = splitsOf(pipeline, tick).filter((split) => source === null || split.source === source)
  if (query.get('sort') === 'watermark') {
    found.sort((a, b) => (b.watermarkLagMs ?? 0) - (a.watermarkLagMs ?? 0))
  }
  if (query.get('sort') === 'lag') found.sort((a, b) => (b.lagRecords ?? 0) - (a.lagRecords ?? 0))
  const limit = Number(query.get('limit') ?? 100)
  return {
    splits: found.slice(0, limit),
    total: found.length,
    next: found.length > limit ? String(limit) : null,
  }
}

function letterPage(pipeline: MadeUpPipeline, query: URLSearchParams): LetterPage {
  const found = lettersOf(pipeline).filter(
    ({ operator, code }) =>
      (query.get('operator') ?? operator) === operator && (query.get('code') ?? code) === code,
  )
  return { letters: found, total: found.length, next: null }
}

function stateList({ graph }: MadeUpPipeline): StateList {
  return {
    operators: graph.operators
      .filter(({ hasState }) => hasState)
      .map(({ id, type, keeps }) => ({
        operator: id,
        type,
        keeps: keeps ?? '',
        keys: ['string'],
        tables: [{ table: 'total', cells: 301_137 }],
      })),
  }
}

function statePage(pipeline: MadeUpPipeline, operator: string, query: URLSearchParams): StatePage {
  const from = Number(query.get('cursor') ?? 0)
  const to = from + Number(query.get('limit') ?? 100)
  const entries = entriesOf(pipeline)
  return {
    operator,
    read: query.get('read') === 'checkpoint' ? 'checkpoint' : 'latest',
    checkpoint: query.get('read') === 'checkpoint' ? 1_140 : null,
    entries: entries.slice(from, to),
    next: to < entries.length ? String(to) : null,
  }
}

function stateAnswer(
  pipeline: MadeUpPipeline,
  { operator = '', key = '' }: Readonly<Record<string, string>>,
  query: URLSearchParams,
): StateAnswer {
  return {
    operator,
    key,
    read: query.get('read') === 'checkpoint' ? 'checkpoint' : 'latest',
    checkpoint: query.get('read') === 'checkpoint' ? 1_140 : null,
    entries: entriesOf(pipeline).filter((entry) => entry.key === key),
  }
}

/** Records that an operator emits, the oldest first. */
export function recordsOf({ text }: MadeUpPipeline, operator: string, key: string): readonly PeekRecord[] {
  return [0, 1, 2].map((n) => ({
    operator,
    output: 'main',
    subtask: n % 2,
    at: startOfDay + n * 100,
    time: n === 0 ? null : startOfDay + n,
    key: key === '' ? `card-400${n}` : key,
    headers: n === 1 ? { traceparent: `00-${n}`, [text]: text } : {},
    value: n === 2 ? { text, [text]: '***' } : { order: n, total: { $bigint: '12' } },
  }))
}

/** What an action answers when all goes well. */
export function resultOf(action: Action): ActionResult {
  const isRehearsal = action.action === 'redrive' && action.rehearse === true
  return {
    action: action.action,
    text: isRehearsal ? 'Nothing was changed.' : `Done: ${action.action}.`,
    checkpoint: action.action === 'checkpoint' ? 1_141 : null,
    letters: action.action === 'redrive' || action.action === 'drop' ? 28 : null,
    refused: [],
    rehearsal: isRehearsal
      ? {
          written: [{ sink: 'alerts', records: 26 }],
          failed: [{ operator: 'enrich', code: 'STEP_FAILED', message: 'card 4002 has no owner' }],
          error: null,
        }
      : null,
  }
}
