import path from 'node:path'
import { MillraceError, positiveDurationMs } from '@millrace/core'
import type { ClusterWorker, WorkerResult, WorkerStatus } from '@millrace/cluster-kafka'
import { nodePlatform } from '@millrace/node'
import type { CommandLine, Option } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import { progressEveryMs } from './job-log.ts'
import { LogLines } from './log-lines.ts'
import { optionalPackage } from './optional-package.ts'
import type { Outputs } from './outputs.ts'
import { loadPipeline } from './pipeline-loader.ts'
import { jobOptionsFrom, stopTimeoutOf, wholeNumber } from './run-options.ts'
import type { Signals } from './signals.ts'
import { roundedDuration } from './status-text.ts'
import { aborted, everySoOften, within } from './waits.ts'
import { controlAddressOption, WorkerControl } from './worker-control.ts'
import { WorkerLog } from './worker-log.ts'

/** The option of `run` that makes it one of several workers. */
export const clusterOption: Option = {
  name: 'cluster',
  value: 'kafka://HOST:PORT',
  help: 'run the job together with other workers, over Kafka',
}

/** Options that only have a meaning with `--cluster`. */
export const workerOptionList: readonly Option[] = [
  { name: 'leases', value: 'N', help: 'with --cluster: parts of the work, fixed for its life (default 16)' },
  { name: 'worker-name', value: 'NAME', help: 'with --cluster: a restart under this name moves nothing' },
  {
    name: 'session-timeout',
    value: 'TIME',
    help: 'with --cluster: others take over from a worker silent for so long (10s)',
  },
  { name: 'standbys', value: 'N', help: 'with --cluster: copies of each state in other workers (default 0)' },
  controlAddressOption,
]

/** Options of `run` that a worker does not have, with the reason. */
const refused: Readonly<Record<string, string>> = {
  parallelism: 'the work is divided into leases: give --leases',
  threads: 'a worker runs its leases in one thread: start one worker for each core',
  'worker-timeout': 'a worker starts no threads',
  'worker-memory': 'a worker starts no threads',
  watch: 'it is for development on one machine',
  opentelemetry: 'it instruments one job on one machine',
}

/** Throws `OPTION_INVALID` for options that do not fit together. */
function checkOptions(line: CommandLine): void {
  for (const [name, reason] of Object.entries(refused)) {
    if (line.has(name))
      throw new MillraceError('OPTION_INVALID', `--${name} cannot be used with --cluster: ${reason}`)
  }
}

/** Runs a pipeline as one of several workers, until the input of the job ends or a signal stops this worker. */
export async function runCluster(line: CommandLine, outputs: Outputs, signals: Signals): Promise<ExitCode> {
  checkOptions(line)
  const cluster = await optionalPackage(
    () => import('@millrace/cluster-kafka'),
    '--cluster needs a package that is not installed: npm install @millrace/cluster-kafka',
  )
  const platform = nodePlatform()
  const { clock } = platform
  const connect = cluster.connectPort(cluster.clusterAddress(line.value('cluster')!))
  const pipeline = await loadPipeline(line.operand)
  const { graph: _, parallelism: __, ...job } = jobOptionsFrom(line, pipeline, platform)
  await platform.scheduler.turn()
  if (signals.stop.aborted) return exitCodes.done
  const lines = new LogLines(outputs.stderr, clock, line.has('json'))
  const name = line.value('worker-name')
  const leases = line.value('leases')
  const standbys = line.value('standbys')
  const session = line.value('session-timeout')
  const started: { worker?: ClusterWorker } = {}
  const status = (): WorkerStatus | undefined => started.worker?.status()
  const { store, directory } = job
  await using control = await WorkerControl.open(line, { platform, store, directory, lines, status })
  using log = new WorkerLog({ lines, clock, status, name })
  using _progress = everySoOften(clock, progressEveryMs, () => log.progress())
  const worker = cluster.startWorker({
    job: { ...job, directory: path.join(directory, 'leases') },
    graphOf: () => jobOptionsFrom(line, pipeline, platform).graph,
    connect,
    ...(name !== undefined && { name }),
    address: control?.address,
    ...(leases !== undefined && { leases: wholeNumber('leases', leases, 1) }),
    ...(session !== undefined && { sessionMs: positiveDurationMs(session, '--session-timeout') }),
    ...(standbys !== undefined && { standbys: wholeNumber('standbys', standbys, 0) }),
    observer: (event) => {
      log.event(event)
      control?.event(event)
    },
  })
  started.worker = worker
  control?.serve(worker)
  const result = await endOf(worker, { line, lines, signals })
  log.ended(result)
  if (result.outcome === 'failed') throw result.error
  return exitCodes.done

  async function endOf(
    of: ClusterWorker,
    around: { readonly line: CommandLine; readonly lines: LogLines; readonly signals: Signals },
  ): Promise<WorkerResult> {
    const ended = await Promise.race([of.ended, aborted(around.signals.stop)])
    if (ended !== undefined) return ended
    around.lines.write('info', 'stopRequested', 'stopping; a second signal ends the worker at once')
    void (around.line.has('drain') ? of.end('drain') : of.stop())
    const timeoutMs = stopTimeoutOf(around.line)
    const stopped = await within(clock, timeoutMs, of.ended)
    if (stopped !== undefined) return stopped
    throw new MillraceError(
      'STOP_TIMEOUT',
      `the worker did not stop within ${roundedDuration(timeoutMs)}; nothing after the last checkpoints of its leases was committed. Other workers continue there when its session ends. If a sink is slow, raise --stop-timeout`,
    )
  }
}
