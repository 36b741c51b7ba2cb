import process from 'node:process'
import type { Clock } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import { startJob, type Job, type JobEvent, type JobOptions, type JobResult } from '@millrace/core/job'
import { errorOutput, inputsOf, type Graph } from '@millrace/core/graph'
import { nodePlatform } from '@millrace/node'
import type { CommandLine, Command } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { JobLog, progressEveryMs, type JobView } from './job-log.ts'
import { LogLines } from './log-lines.ts'
import type { Outputs } from './outputs.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { Progress, type Figures } from './progress.ts'
import { stopWithParent } from './report-source.ts'
import { controlOption, logActions, openControl, recordControl, redactOption } from './run-control.ts'
import { jobOptionList, jobOptionsFrom, stopTimeoutOf, storeChoiceOf, threadsOf } from './run-options.ts'
import type { Signals } from './signals.ts'
import { StatusLine } from './status-line.ts'
import { stopReport } from './stop-report.ts'
import { roundedDuration, statusText } from './status-text.ts'
import { telemetryOf, telemetryOption } from './run-telemetry.ts'
import { clusterOption, runCluster, workerOptionList } from './run-cluster.ts'
import { aborted, everySoOften, within } from './waits.ts'

/** `millrace run`: runs a pipeline until its input ends or a signal stops it. */
export const runCommand: Command = {
  name: 'run',
  operand: 'FILE.ts',
  summary: 'run the pipeline that a file exports by default',
  details: [
    'Runs the pipeline until its input ends or it is stopped. Started again with the same data',
    'directory it resumes where it was.',
    '',
    'Ctrl-C, SIGTERM or SIGHUP stops it: what was read is finished, checkpointed and committed. A',
    'second signal ends it at once; nothing after the last checkpoint is committed then.',
  ],
  isStoppedBySignals: true,
  options: [
    ...jobOptionList,
    { name: 'drain', help: 'when stopped, let windows and timers fire as at the end of input' },
    { name: 'stop-timeout', value: 'TIME', help: 'how long to wait for the job to stop (default 30s)' },
    { name: 'json', help: 'write the log as JSON, one object per line' },
    { name: 'watch', help: 'for development: resume with the new program when a file changes' },
    controlOption,
    redactOption,
    telemetryOption,
    clusterOption,
    ...workerOptionList,
  ],
  run,
}

async function run(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode> {
  if (line.has(clusterOption.name)) return runCluster(line, outputs, signals)
  if (!line.has('watch')) return runOnce(line, outputs, signals)
  const { watchRun } = await import('./watch-run.ts')
  return watchRun(line, outputs, signals)
}

async function runOnce(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode> {
  stopWithParent()
  const platform = nodePlatform()
  const { clock } = platform
  let statusLine: StatusLine | undefined
  signals.beforeLeaving = () => statusLine?.[Symbol.dispose]()
  const stop = { timeoutMs: stopTimeoutOf(line), drain: line.has('drain') }
  const pipeline = await loadPipeline(line.operand)
  const options: JobOptions = {
    ...jobOptionsFrom(line, pipeline, platform),
    ...threadsOf(line, storeChoiceOf(line, pipeline)),
  }
  // Newer Node versions load modules without a turn of the event loop, so a signal received during loading is
  // handled here.
  await platform.scheduler.turn()
  if (signals.stop.aborted) return exitCodes.done
  const opentelemetry = await telemetryOf(line)
  const lines = new LogLines(outputs.stderr, clock, line.has('json'))
  const showsStatus = outputs.stderr.isTTY === true && !line.has('json')
  const { graph, directory } = options
  const log = new JobLog({ lines, clock, file: line.operand, graph, directory, isQuiet: showsStatus })
  // No event arrives before the job has been returned.
  const observer = (event: JobEvent): void => log.event(event, view)
  const starting = { ...options, observer, tracer: opentelemetry?.recordTracer() }
  await using control = await serve(line, starting, lines)
  const job = control === undefined ? startJob(starting) : control.job
  using telemetry = opentelemetry?.instrument(job)
  const view = viewOf(job, clock, deadLetterSinksOf(graph))
  if (showsStatus) statusLine = new StatusLine(outputs, clock, () => view.statusText())
  const clear = (): void => statusLine?.[Symbol.dispose]()
  using _progress = everySoOften(clock, progressEveryMs, () => log.progress(view))
  // Node prints uncaught errors of user code; make them begin on a new line.
  process.once('uncaughtExceptionMonitor', clear)
  try {
    const result = await endOf(job, { clock, stop, signal: signals.stop, lines })
    await within(clock, telemetryFlushMs, telemetry?.flush())
    clear()
    log.ended(result, view)
    if (result.outcome === 'failed') throw result.error
    return exitCodes.done
  } finally {
    clear()
    process.off('uncaughtExceptionMonitor', clear)
  }
}

/** Starts the job with its control API; undefined without one. */
async function serve(
  line: CommandLine,
  options: JobOptions,
  lines: LogLines,
): Promise<(AsyncDisposable & { readonly job: Job }) | undefined> {
  const control = await openControl(line, lines)
  if (control === undefined) return undefined
  try {
    const record = await recordControl(options.platform.fs, options.directory, control)
    const watched = control.start({ job: options, setLogLevel: (level) => lines.setLevel(level) })
    lines.listener = (level, text) => watched.happenings.line(level, text)
    logActions(watched, lines)
    lines.write('info', 'control', `the control API is at ${control.url}`, { url: control.url })
    const close = async (): Promise<void> => {
      await record[Symbol.asyncDispose]()
      await control.close()
    }
    return { job: watched.job, [Symbol.asyncDispose]: close }
  } catch (error) {
    await control.close()
    throw error
  }
}

/** The sinks that receive nothing but dead letters. */
function deadLetterSinksOf({ nodes }: Graph): ReadonlySet<string> {
  const isDeadLetters = ({ output }: { readonly output: string }): boolean => output === errorOutput
  return new Set(
    nodes
      .filter((node) => node.kind === 'sink' && inputsOf(node).every(isDeadLetters))
      .map(({ name }) => name),
  )
}

function viewOf(job: Job, clock: Clock, deadLetterSinks: ReadonlySet<string>): JobView {
  const progress = new Progress(clock.monotonic(), deadLetterSinks)
  const figures = (): Figures => progress.update(job.status(), clock.monotonic())
  return {
    figures,
    status: () => job.status(),
    statusText: () => statusText(job.status(), figures(), clock.now()),
  }
}

/**
 * Waits for the job to end, by itself or because of the signal. Throws `STOP_TIMEOUT` if it does not stop in
 * time.
 */
async function endOf(
  job: Job,
  around: {
    readonly clock: Clock
    readonly stop: { readonly timeoutMs: number; readonly drain: boolean }
    readonly signal: AbortSignal
    readonly lines: LogLines
  },
): Promise<JobResult> {
  const { clock, stop, signal, lines } = around
  const ended = await Promise.race([job.ended, aborted(signal)])
  if (ended !== undefined) return ended
  lines.write('info', 'stopRequested', 'stopping; a second signal ends the job at once')
  void job.stop({ drain: stop.drain })
  const stopped = await within(clock, stop.timeoutMs, job.ended)
  if (stopped !== undefined) return stopped
  const report = stopReport(job.status(), clock.now())
  void job.cancel()
  await within(clock, cancelMs, job.ended)
  throw new MillraceError(
    'STOP_TIMEOUT',
    `the job did not stop within ${roundedDuration(stop.timeoutMs)} and was cancelled; nothing after its last checkpoint was committed. ${report} Start it again to resume from that checkpoint. If a sink is slow, raise --stop-timeout`,
  )
}

/** How long the telemetry of a job that has ended may take to be sent. */
const telemetryFlushMs = 5_000

/** How long a cancelled job may take to close its files and connections. */
const cancelMs = 2_000
