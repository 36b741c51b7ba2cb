import type { Clock } from '@millrace/world'
import { docsLink } from '@millrace/core'
import { inputsOf, type Graph } from '@millrace/core/graph'
import type { BreakerState, JobEvent, JobResult, JobStatus } from '@millrace/core/job'
import { reportOf, reportText } from './error-report.ts'
import type { LogLines } from './log-lines.ts'
import type { Figures } from './progress.ts'
import { countText, roundedDuration, whole } from './status-text.ts'

/** Where the log reads figures that events do not carry. */
export interface JobView {
  status(): JobStatus
  /** The state of the job in one line. */
  statusText(): string
  figures(): Figures
}

/** Options of a job log. */
export interface JobLogOptions {
  readonly lines: LogLines
  readonly clock: Clock
  /** The `checkpointEveryMs` of the pipeline. */
  readonly file: string
  readonly graph: Graph
  readonly directory: string
  /** Whether a status line shows the progress; if so, the log omits it. */
  readonly isQuiet: boolean
}

/** Interval of progress lines when the output is not a terminal, in milliseconds. */
export const progressEveryMs = 10_000
/** How many checkpoints get a log line each, regardless of the interval. */
const firstCheckpoints = 10

const breakerTexts: Readonly<Record<BreakerState, string>> = {
  open: 'no call is made for a while, and records wait',
  'half-open': 'one call tries whether the system is back',
  closed: 'calls are made as before',
}

/** Logs the events of one job. */
export class JobLog {
  readonly #lines: LogLines
  readonly #clock: Clock
  readonly #graph: Graph
  readonly #directory: string
  readonly #isQuiet: boolean
  #restoredFrom: number | undefined
  #isTypesHintDue: boolean
  #hasStarted = false
  readonly #linksShown = new Set<string>()
  /** The states of breakers that were logged in the current outage, by part. */
  readonly #breakers = new Map<string, Set<BreakerState>>()
  #checkpointsShown = 0
  #progressAt: number

  constructor({ lines, clock, file, graph, directory, isQuiet }: JobLogOptions) {
    this.#lines = lines
    this.#clock = clock
    this.#graph = graph
    this.#directory = directory
    this.#isQuiet = isQuiet
    this.#isTypesHintDue = file.endsWith('.ts')
    this.#progressAt = clock.monotonic()
  }

  event(event: JobEvent, view: JobView): void {
    switch (event.kind) {
      case 'waitingForOwner':
        return this.#waiting(event.owner, event.leaseMs)
      case 'started':
        return this.#started(event.restoredFrom, event.checkpointEveryMs)
      case 'checkpointCompleted':
        if (this.#isQuiet || !this.#isProgressDue()) return
        this.#checkpointsShown++
        return this.#progress('checkpoint', view, event.figures)
      case 'checkpointAbandoned': {
        const { checkpoint, reason } = event
        const text = `checkpoint ${checkpoint} was aborted: ${reason}`
        return this.#lines.write('warning', 'checkpointAbandoned', text, { checkpoint, reason })
      }
      case 'failed':
        return this.#failed(event.error, event.restartInMs)
      case 'warning':
        return this.#warning(event.message, event.docs)
      case 'outage': {
        const { part, since, reason } = event
        const text = `'${part}' waits for a system that cannot be reached, and tries again until it works; nothing is lost: ${reason}`
        return this.#lines.write('warning', 'outage', text, { part, since, reason })
      }
      case 'recovered': {
        const { part, downMs } = event
        this.#breakers.delete(part)
        return this.#lines.write(
          'info',
          'recovered',
          `'${part}' works again, after ${roundedDuration(downMs)}`,
          {
            part,
            downMs,
          },
        )
      }
      case 'breaker':
        return this.#breaker(event.part, event.subtask, event.state)
      case 'stopping':
        return this.#lines.write('info', 'stopping', 'input is closed; writing the last checkpoint')
      case 'ended':
        return undefined
    }
  }

  /** Logs progress if nothing was logged for a while, also when no checkpoint completes. */
  progress(view: JobView): void {
    if (!this.#isQuiet && this.#clock.monotonic() - this.#progressAt >= progressEveryMs)
      this.#progress('progress', view, {})
  }

  /** Logs the outcome. */
  ended(result: JobResult, view: JobView): void {
    const figures = view.figures()
    for (const [part, { count, outputs }] of this.#unread(view)) {
      this.#lines.write(
        'warning',
        'late',
        `${whole(count)} late records of '${part}' were dropped${outputs.length === 0 ? '' : `; read its output ${outputs.join(' and ')} to keep them`}. See ${docsLink('lateRecords')}`,
        { part, count },
      )
    }
    if (result.outcome === 'failed') return
    const { lastCheckpoint } = view.status()
    const where = lastCheckpoint === undefined ? '' : `; checkpoint ${lastCheckpoint.checkpoint} holds it all`
    const counts = [...figures.counts].map(([metric, count]) => `, ${countText(metric, count)}`)
    const noun = figures.recordsIn === 1 ? 'record' : 'records'
    const text = `${result.outcome}: ${whole(figures.recordsIn)} ${noun} in, ${whole(figures.recordsOut)} out${counts.join('')}${where}`
    this.#lines.write('info', result.outcome, text, fieldsOf(view))
    if (result.outcome === 'finished' && this.#restoredFrom !== undefined && figures.recordsIn === 0) {
      this.#lines.write(
        'info',
        'nothingNew',
        `nothing new had arrived since checkpoint ${this.#restoredFrom}; to read everything again, choose another --data-dir`,
      )
    }
  }

  /** The first checkpoints show that the job works; later ones are logged at intervals. */
  #isProgressDue(): boolean {
    return (
      this.#checkpointsShown < firstCheckpoints ||
      this.#clock.monotonic() - this.#progressAt >= progressEveryMs
    )
  }

  #progress(name: 'checkpoint' | 'progress', view: JobView, fields: object): void {
    this.#progressAt = this.#clock.monotonic()
    this.#lines.write('info', name, view.statusText(), { ...fields, ...fieldsOf(view) })
  }

  #waiting(owner: string, leaseMs: number): void {
    const text = `${this.#directory} was last used by ${owner}, which is on another host or in another container: waiting up to ${roundedDuration(leaseMs)} for it to renew its lease, then acquiring the directory`
    this.#lines.write('info', 'waitingForOwner', text, { directory: this.#directory, owner, leaseMs })
  }

  #started(restoredFrom: number | undefined, checkpointEveryMs: number): void {
    this.#restoredFrom ??= restoredFrom
    const from = restoredFrom === undefined ? 'from the beginning' : `from checkpoint ${restoredFrom}`
    const fields = {
      pipeline: this.#graph.name,
      directory: this.#directory,
      restoredFrom: restoredFrom ?? null,
      checkpointEveryMs,
    }
    this.#lines.write(
      'info',
      'started',
      `'${this.#graph.name}' runs ${from}; results become visible with checkpoints, every ${roundedDuration(checkpointEveryMs)}${restoredFrom === undefined ? '' : `; data in ${this.#directory}`}`,
      fields,
    )
    if (restoredFrom === undefined && !this.#hasStarted) this.#firstRun()
    this.#hasStarted = true
    if (this.#isTypesHintDue && restoredFrom === undefined) this.#typesHint()
    this.#isTypesHintDue = false
  }

  /** Where state lies, and how to begin anew: logged at the first start with a data directory only. */
  #firstRun(): void {
    this.#lines.write(
      'info',
      'firstRun',
      `positions and state are kept in ${this.#directory}, and the next run resumes from there. To start over, stop the job and remove that directory, or choose another with --data-dir`,
      { directory: this.#directory },
    )
  }

  /** Logged at the first start with a data directory only. */
  #typesHint(): void {
    this.#lines.write(
      'info',
      'typesNotChecked',
      'types were not checked, as in any run of TypeScript in Node; check them with: npx tsc --noEmit',
    )
  }

  /** A link is shown once: several warnings of a start may have the same. */
  #warning(message: string, docs: string | undefined): void {
    const isNew = docs !== undefined && !this.#linksShown.has(docs)
    if (isNew) this.#linksShown.add(docs)
    this.#lines.write('warning', 'warning', isNew ? `${message}. See ${docs}` : message, { docs })
  }

  /** A long outage opens and half-opens a breaker again and again: each state is logged once in an outage. */
  #breaker(part: string, subtask: number, state: BreakerState): void {
    const shown = this.#breakers.get(part) ?? new Set()
    this.#breakers.set(part, shown)
    if (shown.has(state)) return
    shown.add(state)
    const text = `the circuit breaker of '${part}' is ${state}: ${breakerTexts[state]}`
    this.#lines.write('info', 'breaker', text, { part, subtask, state })
  }

  #failed(error: unknown, restartInMs: number | undefined): void {
    const report = reportOf(error)
    const next = restartInMs === undefined ? '' : `\nstarting again in ${roundedDuration(restartInMs)}`
    const { code, message, docs } = report
    this.#lines.write('error', 'failed', `${reportText(report)}${next}`, {
      code,
      message,
      docs,
      restartInMs: restartInMs ?? null,
    })
  }

  /** Operators with late records and an output for them that no stream reads: counts, and those outputs. */
  #unread(
    view: JobView,
  ): ReadonlyMap<string, { readonly count: number; readonly outputs: readonly string[] }> {
    const inputs = this.#graph.nodes.flatMap(inputsOf)
    const unread = new Map<string, { readonly count: number; readonly outputs: readonly string[] }>()
    for (const node of this.#graph.nodes) {
      const late = node.kind === 'operator' ? node.outputs.filter((output) => output.startsWith('late')) : []
      const outputs = late.filter(
        (output) => !inputs.some((each) => each.from === node.id && each.output === output),
      )
      if (late.length > 0 && outputs.length === 0) continue
      const count = view
        .status()
        .tasks.reduce((sum, { counts }) => sum + (counts.get(`${node.name}/late`) ?? 0), 0)
      if (count > 0) unread.set(node.name, { count, outputs })
    }
    return unread
  }
}

/** A job's figures for programs. */
function fieldsOf(view: JobView): Readonly<Record<string, unknown>> {
  const { recordsIn, recordsOut, inRate, outRate, watermark, counts } = view.figures()
  const { restarts, state, outages, eventTimeWaits } = view.status()
  return {
    recordsIn,
    recordsOut,
    recordsInPerSecond: Math.round(inRate),
    recordsOutPerSecond: Math.round(outRate),
    watermark: watermark ?? null,
    restarts,
    stateBytes: state?.liveBytes ?? 0,
    counts: Object.fromEntries(counts),
    outages,
    eventTimeWaits,
  }
}
