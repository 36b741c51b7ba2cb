import { DirectoryLock, type AcquireDirectory, type OwnershipOptions } from '../checkpoint/directory-lock.ts'
import { checkedGraph } from '../graph/checked-graph.ts'
import type { Graph } from '../graph/node.ts'
import { MillraceError } from '../errors/errors.ts'
import { defaultKeyGroups } from '../record/key-group.ts'
import type { Platform } from '../disk/platform.ts'
import type { RecordTracer } from '../record/tracer.ts'
import type { JobObserver } from '../observe/job-events.ts'
import type { StateStore } from '../state/state-store.ts'
import { stopPhases, type StopBudgets } from './stop-phases.ts'
import type { WorkerHost } from './worker-host.ts'
import { defaultRestartPolicy, type RestartPolicy } from './restart-policy.ts'

/** The options of a job. Durations are in milliseconds. */
export interface JobOptions {
  readonly graph: Graph
  readonly platform: Platform
  readonly store: StateStore
  /** The data directory: checkpoints, state and data of connectors. Created if it is missing. */
  readonly directory: string
  /** Subtasks per task. Default 1. */
  readonly parallelism?: number
  /**
   * Threads that the subtasks run in, besides the one that calls. Default: as many as subtasks, if `workers` is set and
   * there are at least two. 1 runs everything in the calling thread.
   */
  readonly threads?: number
  /** Starts threads. Default: none can be started, and everything runs in the calling thread. */
  readonly workers?: WorkerHost | undefined
  /**
   * For how long a thread may give no sign of life before the job fails with `WORKER_FAILED`: it is busy with one
   * endless call. Default 60,000.
   */
  readonly workerTimeoutMs?: number
  /** Fixed for the life of the state. Default 128, and more only for a parallelism over 85. */
  readonly keyGroups?: number
  /** Reads the existing input and ends. Default false. */
  readonly isBounded?: boolean
  readonly checkpoints?: Partial<CheckpointOptions>
  readonly ownership?: Partial<OwnershipOptions>
  /**
   * Acquires the right to write to the data directory and to the output of the job. Default: files in the directory, see
   * `DirectoryLock`.
   */
  readonly owner?: AcquireDirectory
  readonly restart?: RestartPolicy
  /**
   * How long each phase of a stop may take. A phase that overruns ends the job with `STOP_TIMEOUT`; nothing is lost, and the next
   * start resumes. Default: as long as it takes.
   */
  readonly stop?: Partial<StopBudgets>
  /**
   * State to drop instead of restoring it, each as `OPERATOR`, which may also be a source or a sink, or
   * `OPERATOR/PIECE`. It is dropped once: a job that restarts with the same list keeps its new state.
   * Default: none.
   */
  readonly dropState?: readonly string[]
  /** Records per batch at most. Default 1024. */
  readonly batchRecords?: number
  /** Batches that may wait on one edge. Default 4. */
  readonly edgeBatches?: number
  /**
   * Maximum number of open readers of one source, unless the source sets its own limit. A source may have
   * more splits: readers that are quiet, or ahead in event time, are closed and reopened later. Default 256.
   */
  readonly maxOpenReaders?: number
  /**
   * For development: fails the job with `RECORD_MUTATED`, naming the operator, when user code changes a
   * record passed to it or an emitted value. For that, records are frozen, including those of sources.
   * Slower. Default false.
   */
  readonly checkImmutability?: boolean
  /**
   * How long event time may not advance while records wait for it, before a warning names the split that
   * blocks it. Default 30,000.
   */
  readonly stalledAfterMs?: number
  /** Makes spans of records whose trace is sampled. Worker threads have their own. Default: nothing is traced. */
  readonly tracer?: RecordTracer | undefined
  readonly observer?: JobObserver
}

/** When checkpoints are made, and how many are kept. Durations are in milliseconds. */
export interface CheckpointOptions {
  /**
   * The interval between the starts of two checkpoints, at which exactly-once results become visible. Default
   * 1,000.
   */
  readonly everyMs: number
  /** The minimum time between the end of one and the start of the next. Default 0. */
  readonly minPauseMs: number
  /** A checkpoint that takes longer is aborted. Default 600,000. */
  readonly timeoutMs: number
  /** This many aborted checkpoints in a row fail the job. Default 3. */
  readonly toleratedFailures: number
  /** How many are kept. Default 2: the newest, and one to fall back to. */
  readonly retain: number
}

/** The options with defaults applied. */
export type JobSettings = Required<Omit<JobOptions, 'checkpoints' | 'ownership' | 'stop'>> & {
  readonly checkpoints: CheckpointOptions
  readonly ownership: OwnershipOptions
  readonly stop: StopBudgets
}

/** Applies defaults. Throws `OPTION_INVALID`, naming the option, for invalid values. */
export function settingsOf(options: JobOptions): JobSettings {
  const settings: JobSettings = {
    parallelism: 1,
    workers: undefined,
    workerTimeoutMs: 60_000,
    keyGroups: defaultKeyGroups(options.parallelism ?? 1),
    isBounded: false,
    owner: (around) => DirectoryLock.take(around),
    restart: defaultRestartPolicy,
    dropState: [],
    batchRecords: 1024,
    edgeBatches: 4,
    maxOpenReaders: 256,
    checkImmutability: false,
    stalledAfterMs: 30_000,
    tracer: undefined,
    observer: () => {},
    ...options,
    threads: threadsOf(options),
    graph: options.checkImmutability === true ? checkedGraph(options.graph) : options.graph,
    checkpoints: {
      everyMs: 1_000,
      minPauseMs: 0,
      timeoutMs: 600_000,
      toleratedFailures: 3,
      retain: 2,
      ...options.checkpoints,
    },
    ownership: { leaseMs: 30_000, heartbeatMs: 5_000, ...options.ownership },
    stop: { ...endless, ...options.stop },
  }
  const { checkpoints, keyGroups, ownership, parallelism } = settings
  atLeastOne('keyGroups', keyGroups, 32_768)
  atLeastOne('parallelism', parallelism, keyGroups)
  atLeastOne('threads', settings.threads, parallelism)
  atLeastOne('workerTimeoutMs', settings.workerTimeoutMs, Number.MAX_SAFE_INTEGER)
  atLeastOne('batchRecords', settings.batchRecords, 1_048_576)
  atLeastOne('edgeBatches', settings.edgeBatches, 65_536)
  atLeastOne('maxOpenReaders', settings.maxOpenReaders, 1_000_000)
  atLeastOne('stalledAfterMs', settings.stalledAfterMs, Number.MAX_SAFE_INTEGER)
  atLeastOne('checkpoints.retain', checkpoints.retain, 1_000)
  atLeastOne('checkpoints.everyMs', checkpoints.everyMs, Number.MAX_SAFE_INTEGER)
  atLeastOne('checkpoints.timeoutMs', checkpoints.timeoutMs, Number.MAX_SAFE_INTEGER)
  atLeastOne('ownership.leaseMs', ownership.leaseMs, Number.MAX_SAFE_INTEGER)
  atLeastOne('ownership.heartbeatMs', ownership.heartbeatMs, Math.max(1, Math.floor(ownership.leaseMs / 3)))
  for (const phase of stopPhases) {
    if (settings.stop[phase] !== Infinity)
      atLeastOne(`stop.${phase}`, settings.stop[phase], Number.MAX_SAFE_INTEGER)
  }
  return settings
}

const endless: StopBudgets = {
  intake: Infinity,
  drain: Infinity,
  checkpoint: Infinity,
  commit: Infinity,
  close: Infinity,
}

function threadsOf({ threads, parallelism = 1, workers }: JobOptions): number {
  if (threads === undefined) return workers === undefined ? 1 : parallelism
  if (threads > 1 && workers === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `threads is ${threads}, but other threads cannot load a pipeline object. Give the option module: the URL of the file that exports the pipeline by default, as import.meta.url`,
    )
  }
  return threads
}

function atLeastOne(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw new MillraceError(
    'OPTION_INVALID',
    `${name} is ${value}; it must be a whole number from 1 to ${most}`,
  )
}
