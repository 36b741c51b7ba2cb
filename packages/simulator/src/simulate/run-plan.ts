import type { Sink, Source } from '@millrace/core/connector'
import type { Graph } from '@millrace/core/graph'
import type { Fault, FaultKind } from './fault.ts'
import type { Inputs } from './inputs.ts'
import type { KeptState } from './kept-state.ts'
import type { PieceOrder } from './pace.ts'
import type { OutputRecord } from './sim-sink.ts'
import type { Spent } from './sim-source.ts'

/** A sink of the user's own that takes the place of one in the pipeline. */
export interface SinkStandIn {
  readonly sink: Sink<unknown>
  /** Everything that can be seen in it by now, in order. */
  readonly visible: () => readonly unknown[]
}

/** What is run: a pipeline with what it reads. */
export interface Subject {
  /** A graph of its own for each life of the process. */
  readonly graph: () => Graph
  /** Later versions of the program, in order, each made like `graph`. Their results are the same. */
  readonly versions: readonly (() => Graph)[]
  readonly inputs: Inputs
  /** What sources bring that only later versions have. */
  readonly addedInputs: Inputs
  /** The user's own stand-ins by name, one for each run. */
  readonly sources: Readonly<Record<string, () => Source<unknown>>>
  readonly sinks: Readonly<Record<string, () => SinkStandIn>>
  readonly calls: Readonly<Record<string, (value: unknown, signal: AbortSignal) => Promise<unknown>>>
  /** A run that takes more steps than this is stuck. */
  readonly stepsMax: number
}

/** How it is run. */
export interface RunPlan {
  readonly seed: number
  readonly parallelism: number
  readonly faults: readonly Fault[]
  /** Whether the job is started again once it has read its input to the end: then nothing may come out twice. */
  readonly resumes: boolean
  /** Which share of the input is there when the job begins, from 0 to 1: the rest comes when it has ended. Undefined: all. */
  readonly growsFrom: number | undefined
  /** All pieces of input in one order; undefined: each split by itself, in pieces and after waits drawn by seed. */
  readonly order: PieceOrder | undefined
  /** How many records come at once at most, where there is no order. */
  readonly itemsMax: number
  /** How long the wait for more is at most, in milliseconds, where there is no order. */
  readonly waitMs: number
  readonly checkpointEveryMs: number
  readonly batchRecords: number
  readonly edgeBatches: number
  /** Units of work between two turns of the event loop. */
  readonly workPerTurn: number
  readonly stepsMax: number
}

/** A fault that came to pass. */
export interface FaultEvent {
  readonly kind: FaultKind
  readonly life: number
  /** Over all lives. */
  readonly step: number
  /** Simulated milliseconds since the start. */
  readonly atMs: number
  readonly what: string
}

/** A promise that was broken for all to see. */
export interface BrokenPromise {
  readonly kind: 'stuck' | 'failed' | 'sink' | 'mutation' | 'held'
  /** The operator, or nothing for the job as a whole. */
  readonly where?: string
  readonly what: string
}

/** What came of a run. */
export interface RunOutcome {
  readonly steps: number
  readonly lives: number
  /** Which version of the program ran last, from 0. */
  readonly version: number
  readonly simulatedMs: number
  readonly events: readonly FaultEvent[]
  readonly digest: number
  readonly outputs: ReadonlyMap<string, readonly OutputRecord[]>
  /** Cells of the last checkpoint, by operator; undefined if the run did not come to its end. */
  readonly state: KeptState | undefined
  /** Why it did not: the error of a job that nothing could help. */
  readonly stopped: string | undefined
  /** Promises that are broken whatever came out. */
  readonly broken: readonly BrokenPromise[]
  /** How often the job resumed from an older checkpoint than the newest, because that one was damaged. */
  readonly fallbacks: number
  /** Whether a process that had been paused has made a checkpoint, so that others may have resumed from it. */
  readonly isForked: boolean
  /** How often the job has begun to run, in all lives together. */
  readonly starts: number
  readonly spent: ReadonlyMap<string, Spent>
  /** How many records the user's own sources have brought, those that came again as well. */
  readonly brought: number
}
