import { errorOutput } from '@millrace/core/graph'
import type { JobFigures, OperatorFigures } from '../contract/figures.ts'
import type { JobGraph } from '../contract/graph.ts'
import type { CheckpointList, CheckpointRow, JobOverview, Readiness, Totals } from '../contract/job.ts'
import { lagOf, leastKnown, sumOf, sumOfKnown } from './sums.ts'
import { timeText } from './texts.ts'
import type { JobView } from './job-view.ts'

/** The sinks that write results, and not only dead letters. */
function resultSinks({ operators, edges }: JobGraph): readonly string[] {
  const sinks = operators.filter(({ kind }) => kind === 'sink').map(({ id }) => id)
  return sinks.filter((id) => edges.some(({ to, output }) => to === id && output !== errorOutput))
}

interface Operators {
  readonly sources: readonly OperatorFigures[]
  /** Those of results. */
  readonly sinks: readonly OperatorFigures[]
  readonly all: readonly OperatorFigures[]
}

function operatorsOf({ graph }: JobView, { operators }: JobFigures): Operators {
  const sources = new Set(graph.operators.filter(({ kind }) => kind === 'source').map(({ id }) => id))
  const sinks = new Set(resultSinks(graph))
  return {
    sources: operators.filter(({ operator }) => sources.has(operator)),
    sinks: operators.filter(({ operator }) => sinks.has(operator)),
    all: operators,
  }
}

/** The state of a job as the API shows it. */
export function overviewOf(watched: JobView, figures: JobFigures): JobOverview {
  const { job, options, happenings, graph } = watched
  const { phase, restarts } = job.status()
  const operators = operatorsOf(watched, figures)
  return {
    job: graph.job,
    phase,
    inRate: sumOf(operators.sources, ({ inRate }) => inRate),
    outRate: sumOf(operators.sinks, ({ inRate }) => inRate),
    restarts,
    readiness: watched.readiness(),
    directory: options.directory,
    parallelism: options.parallelism ?? 1,
    isBounded: options.isBounded ?? false,
    startedAt: watched.startedAt,
    outcome: happenings.outcome ?? null,
    failure: happenings.failure ?? null,
    restoredFrom: happenings.restoredFrom ?? null,
    checkpointEveryMs: happenings.checkpointEveryMs,
    lastCheckpoint: lastCompleted(happenings.checkpoints.entries) ?? null,
    totals: totalsOf(watched, operators, figures.at),
    runtime: watched.runtime,
    pausedSources: job.paused,
    logLevel: watched.logLevel,
  }
}

function lastCompleted(rows: readonly CheckpointRow[]): CheckpointRow | undefined {
  return rows.findLast(({ outcome }) => outcome === 'completed')
}

function totalsOf({ job }: JobView, { sources, sinks, all }: Operators, at: number): Totals {
  const { state } = job.status()
  const watermark = leastKnown(all, (each) => each.watermark)
  return {
    recordsIn: sumOf(sources, ({ recordsIn }) => recordsIn),
    recordsOut: sumOf(sinks, ({ recordsOut }) => recordsOut),
    bytesIn: sumOf(sources, ({ bytes }) => bytes ?? 0),
    bytesOut: sumOf(sinks, ({ bytes }) => bytes ?? 0),
    late: sumOf(all, ({ late }) => late),
    skipped: sumOf(all, ({ skipped }) => skipped),
    deadLettered: sumOf(all, ({ deadLettered }) => deadLettered),
    retries: sumOf(all, ({ retries }) => retries),
    stateCells: state?.cells ?? 0,
    stateBytes: state?.liveBytes ?? 0,
    diskBytes: state?.diskBytes ?? 0,
    watermark,
    watermarkLagMs: lagOf(watermark, at),
    lagBytes: sumOfKnown(sources, ({ lagBytes }) => lagBytes ?? undefined),
    lagRecords: sumOfKnown(sources, ({ lagRecords }) => lagRecords ?? undefined),
  }
}

/** Whether the job is restored and reads; says why not. */
export function readinessOf({ job, happenings, now }: JobView): Readiness {
  const { phase } = job.status()
  const reasons: string[] = []
  if (phase === 'starting')
    reasons.push('The job is starting: it acquires its data directory and restores its state.')
  if (phase === 'restarting') {
    const why = happenings.failure?.message ?? 'it has failed'
    reasons.push(`The job restarts after a failure: ${why}.`)
  }
  if (phase === 'stopping') reasons.push('The job is stopping.')
  if (phase === 'ended') reasons.push(`The job has ended: ${happenings.outcome ?? 'stopped'}.`)
  for (const source of job.paused) reasons.push(`Source '${source}' is paused.`)
  const running = job.runningCheckpoint
  const { checkpointEveryMs } = happenings
  if (running !== undefined && running.runsMs > Math.max(60_000, 10 * checkpointEveryMs)) {
    reasons.push(`Checkpoint ${running.checkpoint} has run since ${timeText(now - running.runsMs)} UTC.`)
  }
  return { isReady: reasons.length === 0, reasons }
}

/** How many subtasks are named that have not done their part of a checkpoint. */
const missingListed = 20

/** The checkpoints of a job as the API shows them. */
export function checkpointList({ job, happenings, now }: JobView): CheckpointList {
  const { completed, aborted, checkpoints } = happenings
  const running = job.runningCheckpoint
  const reported = new Set(running?.reported)
  const missing = job
    .samples()
    .map(({ task, subtask }) => `${task}/${subtask}`)
    .filter((each) => !reported.has(each))
  return {
    checkpoints: checkpoints.entries.toReversed(),
    completed,
    aborted,
    running:
      running === undefined
        ? null
        : {
            checkpoint: running.checkpoint,
            startedAt: now - running.runsMs,
            missing: missing.slice(0, missingListed),
            participants: running.participants,
          },
  }
}
