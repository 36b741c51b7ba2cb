import { inputsOf, type Graph, type JobEvent, type JobResult, type JobStatus } from '@millrace/core'
import { reportOf } from './error-report.ts'
import type { LogLines } from './log-lines.ts'
import type { Figures } from './progress.ts'
import { durationText, metricNames, whole } from './status-text.ts'

/** Where the log asks for figures that events do not carry. */
export interface JobView {
  status(): JobStatus
  /** The state of the job in one line. */
  statusText(): string
  figures(): Figures
}

/** Writes the events in the life of one job as lines of a log. */
export class JobLog {
  readonly #lines: LogLines
  readonly #graph: Graph
  readonly #directory: string
  /** Whether a status line shows how the job is doing, so that the log need not. */
  readonly #isQuiet: boolean
  #restoredFrom: number | undefined
  #isTypesHintDue: boolean

  /** `file` is the pipeline's. */
  constructor(
    lines: LogLines,
    job: { readonly file: string; readonly graph: Graph; readonly directory: string },
    isQuiet: boolean,
  ) {
    this.#lines = lines
    this.#graph = job.graph
    this.#directory = job.directory
    this.#isQuiet = isQuiet
    this.#isTypesHintDue = job.file.endsWith('.ts')
  }

  event(event: JobEvent, view: JobView): void {
    switch (event.kind) {
      case 'waitingForOwner':
        return this.#waiting(event.owner, event.leaseMs)
      case 'started':
        return this.#started(event.restoredFrom)
      case 'checkpointCompleted':
        if (this.#isQuiet) return
        return this.#lines.write('info', 'checkpoint', view.statusText(), {
          ...event.figures,
          ...fieldsOf(view),
        })
      case 'checkpointAbandoned': {
        const { checkpoint, reason } = event
        const text = `checkpoint ${checkpoint} was given up: ${reason}`
        return this.#lines.write('warning', 'checkpointAbandoned', text, { checkpoint, reason })
      }
      case 'failed':
        return this.#failed(event.error, event.restartInMs)
      case 'warning':
        return this.#lines.write('warning', 'warning', event.message)
      case 'stopping':
        return this.#lines.write('info', 'stopping', 'no more input is read; making the last checkpoint')
      case 'ended':
        return undefined
    }
  }

  /** The last lines: what came of it all. */
  ended(result: JobResult, view: JobView): void {
    const figures = view.figures()
    for (const [part, count] of this.#unread(view)) {
      this.#lines.write(
        'warning',
        'late',
        `${whole(count)} late records of '${part}' were dropped; read its late output to keep them`,
        { part, count },
      )
    }
    if (result.outcome === 'failed') return
    const { lastCheckpoint } = view.status()
    const where = lastCheckpoint === undefined ? '' : `; checkpoint ${lastCheckpoint.checkpoint} holds it all`
    const counts = [...figures.counts].map(
      ([metric, count]) => `, ${whole(count)} ${metricNames[metric] ?? metric}`,
    )
    const text = `${result.outcome}: ${whole(figures.recordsIn)} records in, ${whole(figures.recordsOut)} out${counts.join('')}${where}`
    this.#lines.write('info', result.outcome, text, fieldsOf(view))
    if (result.outcome === 'finished' && this.#restoredFrom !== undefined && figures.recordsIn === 0) {
      this.#lines.write(
        'info',
        'nothingNew',
        `nothing new had come since checkpoint ${this.#restoredFrom}; to read everything again, choose another --data-dir`,
      )
    }
  }

  #waiting(owner: string, leaseMs: number): void {
    const text = `${this.#directory} was last used by ${owner}, which cannot be seen from here: waiting up to ${durationText(leaseMs)} for a sign of life, then taking it over`
    this.#lines.write('info', 'waitingForOwner', text, { directory: this.#directory, owner, leaseMs })
  }

  #started(restoredFrom: number | undefined): void {
    this.#restoredFrom ??= restoredFrom
    const from = restoredFrom === undefined ? 'from the beginning' : `from checkpoint ${restoredFrom}`
    const fields = {
      pipeline: this.#graph.name,
      directory: this.#directory,
      restoredFrom: restoredFrom ?? null,
    }
    this.#lines.write(
      'info',
      'started',
      `'${this.#graph.name}' runs ${from}; data in ${this.#directory}`,
      fields,
    )
    if (this.#isTypesHintDue && restoredFrom === undefined) this.#typesHint()
    this.#isTypesHintDue = false
  }

  /** Said at the first start with a data directory, and then no more. */
  #typesHint(): void {
    this.#lines.write(
      'info',
      'typesNotChecked',
      'types were not checked, as in any run of TypeScript in Node; check them with: npx tsc --noEmit',
    )
  }

  #failed(error: unknown, restartInMs: number | undefined): void {
    const report = reportOf(error)
    const next = restartInMs === undefined ? '' : `; starting again in ${durationText(restartInMs)}`
    const { code, message, stack } = report
    this.#lines.write(
      'error',
      'failed',
      `${code}: ${message}${stack === undefined ? '' : `\n${stack}`}${next}`,
      {
        code,
        message,
        restartInMs: restartInMs ?? null,
      },
    )
  }

  /** Operators whose late records nobody reads, with how many there were. */
  #unread(view: JobView): ReadonlyMap<string, number> {
    const read = new Set<number>()
    for (const node of this.#graph.nodes) {
      for (const { from, output } of inputsOf(node)) if (output === 'late') read.add(from)
    }
    const unread = new Map<string, number>()
    for (const { id, name } of this.#graph.nodes) {
      if (read.has(id)) continue
      for (const { counts } of view.status().tasks) {
        const count = counts.get(`${name}/late`) ?? 0
        if (count > 0) unread.set(name, (unread.get(name) ?? 0) + count)
      }
    }
    return unread
  }
}

/** A job's figures for programs. */
function fieldsOf(view: JobView): Readonly<Record<string, unknown>> {
  const { recordsIn, recordsOut, inRate, outRate, watermark, counts } = view.figures()
  const { restarts, state } = view.status()
  return {
    recordsIn,
    recordsOut,
    recordsInPerSecond: Math.round(inRate),
    recordsOutPerSecond: Math.round(outRate),
    watermark: watermark ?? null,
    restarts,
    stateBytes: state?.liveBytes ?? 0,
    counts: Object.fromEntries(counts),
  }
}
