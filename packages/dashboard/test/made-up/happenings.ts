import type {
  Diagnosis,
  EventRow,
  LetterDetail,
  LetterGroups,
  LogRow,
  StateEntry,
} from '@millrace/control/contract'
import { chance, startOfDay } from './figures.ts'
import type { MadeUpPipeline } from './pipelines.ts'

export function diagnosisOf({ bottleneck }: MadeUpPipeline): Diagnosis {
  if (bottleneck === undefined) return { at: startOfDay, findings: [] }
  return {
    at: startOfDay,
    findings: [
      {
        code: 'bottleneck',
        severity: 'problem',
        operator: bottleneck,
        split: null,
        since: startOfDay - 312_000,
        sentence: `\`${bottleneck}\` is the bottleneck: 97 % busy, and everything before it waits.`,
        advice: 'Raise its `concurrency`, or the parallelism of the job.',
      },
      {
        code: 'idle-split',
        severity: 'warning',
        operator: null,
        split: 'orders/7',
        since: startOfDay - 74_000,
        sentence: 'Event time waits for split `orders/7`, which has returned all its data.',
        advice: 'Set `idleAfter` for the source `orders`.',
      },
    ],
  }
}

/** The text of the pipeline, which may be a megabyte, in the first rows only. */
function textOf({ text }: MadeUpPipeline, row: number): string {
  return row < 2 ? text : ''
}

export function eventsOf(pipeline: MadeUpPipeline): EventRow[] {
  const rows: Pick<EventRow, 'kind' | 'level' | 'text'>[] = [
    { kind: 'started', level: 'info', text: 'Started from checkpoint 1102.' },
    { kind: 'failed', level: 'error', text: 'Lost the connection to `postgres`: the job restarts in 1 s.' },
    { kind: 'started', level: 'info', text: 'Restarted from checkpoint 1139.' },
    { kind: 'checkpointCompleted', level: 'debug', text: 'Checkpoint 1140 took 151 ms.' },
    {
      kind: 'warning',
      level: 'warning',
      text: 'The call of `enrich` fails for 12 % of the records: they are retried.',
    },
    { kind: 'action', level: 'info', text: 'Checkpoint 1141 was asked for.' },
    { kind: 'savepointCompleted', level: 'info', text: 'Savepoint written to `backup/before-upgrade`.' },
  ]
  return rows.map((row, index) => ({
    ...row,
    id: index + 1,
    at: startOfDay - (rows.length - index) * 41_000,
    text: `${row.text} ${textOf(pipeline, index)}`.trimEnd(),
    code: row.level === 'error' ? 'SINK_FAILED' : null,
    docs: row.level === 'error' ? 'https://example.com/docs/errors.md#SINK_FAILED' : null,
    checkpoint: null,
    operator: null,
    by: row.kind === 'action' ? 'operator' : null,
    asked: row.kind === 'action' ? 'checkpoint' : null,
  }))
}

export function logsOf(pipeline: MadeUpPipeline): LogRow[] {
  return Array.from({ length: 80 }, (_, index): LogRow => {
    const level = index % 17 === 0 ? 'warning' : index % 29 === 0 ? 'error' : 'info'
    return {
      id: index + 1,
      at: startOfDay - (80 - index) * 3_000,
      level,
      text: `${lineOf(level, index)}${textOf(pipeline, 79 - index)}`,
    }
  })
}

/** What a line of a level says. */
function lineOf(level: LogRow['level'], index: number): string {
  if (level === 'warning') return `call of enrich failed (503), try ${1 + (index % 3)} of 3`
  if (level === 'error') return 'no connection to postgres: connection refused'
  return `checkpoint ${1_060 + index} completed in ${Math.round(120 + 60 * chance(index))} ms`
}

export function lettersOf(pipeline: MadeUpPipeline): LetterDetail[] {
  const { graph } = pipeline
  const operator = graph.operators.find(({ kind }) => kind === 'async')?.id ?? graph.operators[0]!.id
  return Array.from({ length: 37 }, (_, index): LetterDetail => {
    const isTimeout = index % 4 === 0
    const text = textOf(pipeline, index)
    const code = isTimeout ? 'CALL_TIMED_OUT' : 'STEP_FAILED'
    return {
      id: `letter-${index}`,
      log: 'failed',
      operator,
      code,
      message: isTimeout ? `no answer within 5 s${text}` : `card ${4_000 + index} has no owner${text}`,
      place: `mapAsync '${operator.slice(0, 40)}'`,
      source: 'orders',
      split: 'orders/3',
      position: String(88_120 + index),
      key: `card-${4_000 + index}`,
      attempts: isTimeout ? 3 : 1,
      redrives: 0,
      value: JSON.stringify({ card: `card-${4_000 + index}`, amount: 12.5 + index, note: text || undefined }),
      time: startOfDay - 60_000,
      failedAt: startOfDay - (37 - index) * 9_000,
      obstacle: null,
      stack: `Error: ${code}\n    at enrich (shop.ts:41:11)`,
      raw: null,
      headers: null,
    }
  })
}

export function groupsOf(letters: readonly LetterDetail[]): LetterGroups {
  const groups = new Map<string, LetterDetail[]>()
  for (const letter of letters) groups.set(letter.code, [...(groups.get(letter.code) ?? []), letter])
  return {
    groups: [...groups.values()].map((all) => ({
      operator: all[0]!.operator,
      code: all[0]!.code,
      message: all[0]!.message,
      count: all.length,
      first: all[0]!.failedAt,
      last: all.at(-1)!.failedAt,
    })),
  }
}

export function entriesOf(pipeline: MadeUpPipeline): StateEntry[] {
  return Array.from({ length: 450 }, (_, index): StateEntry => ({
    key: `card-${4_000 + index}${textOf(pipeline, index)}`,
    table: 'total',
    inner: null,
    value: {
      orders: 1 + Math.round(40 * chance(index, 6)),
      spent: Math.round(9_000 * chance(index, 7)) / 10,
    },
  }))
}
