import type { Sink, Source } from '@millrace/core/connector'
import type { Graph } from '@millrace/core/graph'
import type { StateStore } from '@millrace/core/store'
import type { Fault, FaultKind } from './fault.ts'
import type { Inputs } from './inputs.ts'
import type { KeptState } from './kept-state.ts'
import type { PieceOrder } from './pace.ts'
import type { OutputRecord } from './sim-sink.ts'
import type { Spent } from './sim-source.ts'

/** A user's sink that replaces one of the pipeline. */
export interface SinkStandIn {
  readonly sink: Sink<unknown>
  /** Returns all its visible values, in order. */
  readonly visible: () => readonly unknown[]
}

/** The subject of a run: a pipeline and its input. */
export interface Subject {
  /** Creates a new graph for each life of the process. */
  readonly graph: () => Graph
  /** Later versions of the program, in order, each made like `graph`. Their results are the same. */
  readonly versions: readonly (() => Graph)[]
  readonly inputs: Inputs
  /** The input of sources that only later versions have. */
  readonly addedInputs: Inputs
  /** The user's own stand-ins by name, one for each run. */
  readonly sources: Readonly<Record<string, () => Source<unknown>>>
  readonly sinks: Readonly<Record<string, () => SinkStandIn>>
  readonly calls: Readonly<Record<string, (value: unknown, signal: AbortSignal) => Promise<unknown>>>
  /** Makes the store of each life. */
  readonly store: () => StateStore
  /** A run that takes more steps than this is stuck. */
  readonly stepsMax: number
}

/** The settings of a run. */
export interface RunPlan {
  readonly seed: number
  readonly parallelism: number
  /** Whether each subtask has a worker of its own, if there is more than one. */
  readonly threads: boolean
  readonly faults: readonly Fault[]
  /** Whether the job is started again after it has read its input to the end; nothing may be emitted twice then. */
  readonly resumes: boolean
  /**
   * The share of the input that is available at first, from 0 to 1; the rest appears after the job has ended. Default:
   * all.
   */
  readonly growsFrom: number | undefined
  /** All pieces of input in one order. Undefined: each split separately, with random pieces and waits. */
  readonly order: PieceOrder | undefined
  /** The maximum number of records at once, without an order. */
  readonly itemsMax: number
  /** The longest wait for more records, in milliseconds, without an order. */
  readonly waitMs: number
  readonly checkpointEveryMs: number
  readonly batchRecords: number
  readonly edgeBatches: number
  /** Units of work between two turns of the event loop. */
  readonly workPerTurn: number
  readonly stepsMax: number
}

/** A fault that occurred. */
export interface FaultEvent {
  readonly kind: FaultKind
  readonly life: number
  /** Over all lives. */
  readonly step: number
  /** Simulated milliseconds since the start. */
  readonly atMs: number
  readonly what: string
}

/** A guarantee that was visibly broken. */
export interface BrokenPromise {
  readonly kind: 'stuck' | 'failed' | 'sink' | 'mutation' | 'held'
  /** The operator; undefined for the job as a whole. */
  readonly where?: string
  readonly what: string
}

/** The outcome of a run. */
export interface RunOutcome {
  readonly steps: number
  readonly lives: number
  /** Which version of the program ran last, from 0. */
  readonly version: number
  readonly simulatedMs: number
  readonly events: readonly FaultEvent[]
  readonly digest: number
  readonly outputs: ReadonlyMap<string, readonly OutputRecord[]>
  /** Cells of the last checkpoint, by operator; undefined if the run did not finish. */
  readonly state: KeptState | undefined
  /** The error that prevented the run from finishing. */
  readonly stopped: string | undefined
  /** Broken guarantees that do not depend on the output. */
  readonly broken: readonly BrokenPromise[]
  /** How often the job resumed from an older checkpoint than the newest, because that one was damaged. */
  readonly fallbacks: number
  /** Whether a paused process has made a checkpoint after it resumed, from which others may have restored. */
  readonly isForked: boolean
  /** The number of starts of the job, over all lives. */
  readonly starts: number
  readonly spent: ReadonlyMap<string, Spent>
  /** The number of records that the user's own sources have delivered, including repeated ones. */
  readonly brought: number
}
