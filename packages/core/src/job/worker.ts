import type { TaskReport } from '../checkpoint/coordinator.ts'
import type { Manifest, StorePart } from '../checkpoint/manifest.ts'
import type { Json } from '../codec/json.ts'
import type { OutageReport } from '../observe/outage-reports.ts'
import type { SavedReplica } from '../state/replicas.ts'
import type { DiscardedState } from '../state/state-store.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import type { ScannedRows, StateScan } from '../state/state-walks.ts'
import type { GroupPosition } from '../task/source-alignment.ts'
import type { Peeked, PeekRequest } from './peek-request.ts'
import type { ThreadProfile } from './thread-profile.ts'
import type { WorkerState } from './worker-state.ts'
import type { WorkerStatus } from './worker-status.ts'

/** What a worker starts from. Plain data: it may come from another thread. */
export interface WorkerStart {
  /** The restored checkpoint, without what is dropped; undefined to begin anew. */
  readonly manifest: Manifest | undefined
  /** State that must not be restored. */
  readonly discard: readonly DiscardedState[]
  /** Operators whose state is not in the checkpoint, or is dropped. */
  readonly startsEmpty: readonly string[]
  readonly state: WorkerState
  /** Whether the job has run in this process before, so that its addresses are known to be right. */
  readonly isRestart: boolean
}

/** Where the state of a worker is, and how many bytes its store has written since it was opened. */
export interface Persisted {
  readonly snapshot: Json
  readonly writtenBytes: number
}

/** What a worker reports to the coordinator of its attempt. */
export interface WorkerEvents {
  report(checkpoint: number, report: TaskReport): void
  /** A subtask has passed on the end of its input. */
  ended(task: string, subtask: number): void
  failed(error: unknown): void
  warn(message: string): void
  /** The lowest watermark of its sources, by group of sources that meet, has changed. */
  positions(positions: readonly GroupPosition[]): void
  outage(report: OutageReport): void
}

/**
 * The subtasks of one thread, as the coordinator uses them. Its methods are called in the order of this list.
 *
 * The coordinator does not know whether a worker is in its own thread.
 */
export interface Worker {
  /** "worker 1"; "main" for the thread of the coordinator. */
  readonly name: string
  /** The newest figures that are known. */
  readonly status: WorkerStatus
  /** Creates the tasks and loads their state. May be called again, with an older checkpoint. Resolves with the state that other workers need. */
  restore(start: WorkerStart): Promise<readonly SavedReplica[]>
  /** Adds state that is the same in every subtask, from the worker that saves it. */
  fill(replicas: readonly SavedReplica[]): Promise<void>
  /** Checks whether its sinks can be opened; changes nothing. */
  check(): Promise<void>
  /** Opens all tasks but sinks. */
  open(): Promise<void>
  openSinks(): Promise<void>
  /** Lets the subtasks of one task announce what they know. Tasks are started inputs first. */
  start(task: number): Promise<void>
  /** Starts the loops of all tasks. */
  run(): void
  requestBarrier(checkpoint: number): void
  /** Makes the state of all its subtasks durable. */
  persist(): Promise<Persisted>
  checkpointCompleted(checkpoint: number): void
  checkpointAbandoned(checkpoint: number): void
  /** Deletes state that none of these snapshots names. */
  release(retained: readonly Json[]): Promise<void>
  acknowledgeUpTo(checkpoint: number): void
  /** Resolves once its sources have acknowledged the last checkpoint, where their readers want that. */
  acknowledgeLast(checkpoint: number): Promise<void>
  /** Resolves once its sinks have committed everything up to `checkpoint`. */
  committed(checkpoint: number): Promise<void>
  /** The lowest watermark of the sources of all other workers, by group. */
  align(positions: readonly GroupPosition[]): void
  /** Stops a source from reading, or lets it read again. */
  pause(source: string, isPaused: boolean): void
  /** Ends the input of a source, as a drain does for all. */
  endInput(source: string): void
  /** Reads state of an operator. */
  readState(query: StateQuery): Promise<readonly StateRow[]>
  /** Reads a part of the state of an operator. */
  scanState(scan: StateScan): Promise<ScannedRows>
  /** Reads state of an operator from a checkpoint; undefined if no subtask of it runs here. */
  readParts(query: StateQuery, parts: readonly StorePart[]): Promise<readonly StateRow[] | undefined>
  /** Begins to sample what its thread runs. One at a time. */
  startProfile(): Promise<void>
  /** Ends that; undefined if none was made. */
  endProfile(): Promise<ThreadProfile | undefined>
  /** The records that one peek has seen since it was last asked for; the first call begins it. */
  peek(request: PeekRequest): Promise<Peeked>
  /** Ends a peek, if there is one of this number. */
  endPeek(id: number): Promise<void>
  /** Tells its sources to stop; resolves once its thread has done so. With `drain` the input counts as ended. */
  stop(drain: boolean): Promise<void>
  /** Ends all tasks and closes what they have opened. Never rejects. */
  close(): Promise<void>
}
