import path from 'node:path'
import { MillraceError, positiveDurationMs } from '@millrace/core'
import type { Platform } from '@millrace/core/disk'
import { defaultRestartPolicy, type JobOptions, type RestartPolicy } from '@millrace/core/job'
import { jobOptionsOf, type ParameterValues, type Pipeline } from '@millrace/flow'
import type { CommandLine, Option } from './command.ts'
import { pipelineWorkers } from './pipeline-workers.ts'
import { telemetryOption } from './run-telemetry.ts'
import { storeOf, type StoreChoice } from './store-choice.ts'

/** Options that set how a pipeline is started. */
export const jobOptionList: readonly Option[] = [
  { name: 'parameter', value: 'NAME=VALUE', help: 'a parameter of the pipeline; may be repeated' },
  { name: 'data-dir', value: 'DIR', help: 'checkpoints and state (default .millrace/PIPELINE)' },
  { name: 'bounded', help: 'read what is there now and end' },
  {
    name: 'parallelism',
    value: 'N',
    help: 'subtasks of each task, each with its own thread and files (default 1)',
  },
  {
    name: 'threads',
    value: 'N',
    help: 'threads for the subtasks (default: one each; 1: the main thread only)',
  },
  {
    name: 'worker-timeout',
    value: 'TIME',
    help: 'how long a thread may give no sign of life (default 60s)',
  },
  {
    name: 'worker-memory',
    value: 'MB',
    help: 'memory for values in one thread (default: as Node chooses)',
  },
  {
    name: 'state',
    value: 'KIND',
    help: 'where state is: memory, or disk if it is larger (default memory)',
  },
  {
    name: 'state-memory',
    value: 'MB',
    help: 'memory for state on disk, in each thread (default 256)',
  },
  {
    name: 'checkpoint-every',
    value: 'TIME',
    help: 'between checkpoints; each makes results visible (default 1s)',
  },
  { name: 'restart', value: 'N', help: "restarts after failures: a number or 'none' (default 3)" },
  {
    name: 'check-immutability',
    help: 'for development: stop when an operator changes a record; slower',
  },
  {
    name: 'drop-state',
    value: 'NAME',
    help: 'drop the state of OPERATOR, or OPERATOR/PIECE; may be repeated',
  },
]

/** Those of them that decide what a start would do with existing state. */
export const planOptions: ReadonlySet<string> = new Set([
  'parameter',
  'data-dir',
  'parallelism',
  'drop-state',
])

/** The values of `--parameter`, as text; the pipeline turns them into what its parameters are. */
export function parametersOf(line: CommandLine): ParameterValues {
  const pairs = line.values('parameter').map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) {
      throw new MillraceError(
        'OPTION_INVALID',
        `--parameter ${pair} has no value; write --parameter NAME=VALUE`,
      )
    }
    return [pair.slice(0, at), pair.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

/** The number of subtasks, from the command line or the pipeline. */
export function parallelismOf(line: CommandLine, pipeline: Pipeline): number {
  const given = line.value('parallelism')
  if (given === undefined) return pipeline.settings.parallelism ?? 1
  return wholeNumber('parallelism', given, 1)
}

/** Where the state is, from the command line or the pipeline. Throws `OPTION_INVALID`. */
export function storeChoiceOf(line: CommandLine, pipeline: Pipeline): StoreChoice {
  const given = line.value('state') ?? pipeline.settings.state ?? 'memory'
  if (given !== 'memory' && given !== 'disk') {
    throw new MillraceError('OPTION_INVALID', `--state is ${given}. Give 'memory' or 'disk'`)
  }
  const memory = line.value('state-memory')
  if (memory === undefined) return { kind: given }
  if (given === 'memory') {
    throw new MillraceError(
      'OPTION_INVALID',
      '--state-memory limits state on disk, but the state is in memory; add --state disk',
    )
  }
  return { kind: given, memoryMb: wholeNumber('state-memory', memory, 1) }
}

/** How the subtasks of a pipeline file are divided among threads. */
export function threadsOf(
  line: CommandLine,
  store: StoreChoice,
): Pick<JobOptions, 'threads' | 'workers' | 'workerTimeoutMs'> {
  const timeout = line.value('worker-timeout')
  const threads = line.value('threads')
  const memory = line.value('worker-memory')
  const memoryMb = memory === undefined ? undefined : wholeNumber('worker-memory', memory, 16)
  return {
    workers: pipelineWorkers(
      {
        file: path.resolve(line.operand),
        parameters: parametersOf(line),
        store,
        isTraced: line.has(telemetryOption.name),
      },
      memoryMb,
    ),
    ...(threads === undefined ? {} : { threads: wholeNumber('threads', threads, 1) }),
    ...(timeout === undefined ? {} : { workerTimeoutMs: positiveDurationMs(timeout, '--worker-timeout') }),
  }
}

/** The options to start a job with. Throws `OPTION_INVALID`, and what `Pipeline.describe` throws. */
export function jobOptionsFrom(line: CommandLine, pipeline: Pipeline, platform: Platform): JobOptions {
  const every = line.value('checkpoint-every')
  const restart = line.value('restart')
  const dataDir = line.value('data-dir')
  const job = jobOptionsOf(pipeline, {
    parameters: parametersOf(line),
    parallelism: parallelismOf(line, pipeline),
    bounded: line.has('bounded'),
    checkImmutability: line.has('check-immutability'),
    dropState: line.values('drop-state'),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(every === undefined ? {} : { checkpointEvery: positiveDurationMs(every, '--checkpoint-every') }),
    ...(restart === undefined ? {} : { restart: restartPolicy(restart) }),
  })
  // Absolute, since connectors store the paths of their files in checkpoints.
  return {
    ...job,
    directory: path.resolve(job.directory),
    platform,
    store: storeOf(storeChoiceOf(line, pipeline)),
  }
}

/** The stop timeout in milliseconds. */
export function stopTimeoutOf(line: CommandLine): number {
  return positiveDurationMs(line.value('stop-timeout') ?? '30s', '--stop-timeout')
}

function restartPolicy(given: string): RestartPolicy {
  if (given === 'none' || given === '0') return { kind: 'none' }
  return { ...defaultRestartPolicy, attempts: wholeNumber('restart', given, 1) }
}

/** Parses an integer, at least `least`. Throws `OPTION_INVALID`. */
export function wholeNumber(option: string, given: string, least: number): number {
  const value = Number(given)
  if (/^\d+$/.test(given) && Number.isSafeInteger(value) && value >= least) return value
  throw new MillraceError('OPTION_INVALID', `--${option} is ${given}. Give an integer, at least ${least}`)
}
