import type { Json } from '../codec/json.ts'
import type { Batch } from '../record/element.ts'
import type { ConnectorContext } from './source.ts'

/**
 * A place to write to.
 *
 * For at-least-once, `prepare` flushes and returns undefined. For exactly-once, it returns a committable:
 * the name of work that is durable but not yet visible, which `commit` makes visible. A committable
 * outlives the process: it is stored in the checkpoint's manifest. (The two phases are Flink's.)
 */
export interface Sink<in T, Committable extends Json = Json> {
  /**
   * What it is: "files". Checkpoints hold it: a committable is only ever handed to a sink of the kind that made it.
   */
  readonly kind: string
  /**
   * The version of its committables, a whole number from 1. Raise it when they change; `open` must still read those
   * of every earlier version, and a sink never gets committables of a later one. Default 1.
   */
  readonly committableVersion?: number
  readonly guarantee: 'exactly-once' | 'at-least-once' | 'at-most-once'
  /**
   * Throws what would keep `open` from succeeding, and changes nothing. Called once before any source or sink is
   * opened, so that a start that is refused leaves no trace. `pending` is as for `open`.
   */
  check?(pending: readonly Committable[], context: ConnectorContext): Promise<void>
  /**
   * Opens a writer for one subtask. `pending` was prepared before a restart and is named by the restored
   * manifest: commit it, whether or not that was done before, and where it was prepared for, even if this sink
   * writes to another place now: a committable names its target. Whatever else was left behind by an earlier
   * run belongs to no checkpoint: remove it. Only subtask 0 is given committables and cleans up, before
   * the others are opened.
   */
  open(
    subtask: number,
    pending: readonly Committable[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, Committable>>
  /** Called once when the job has ended and does not restart, with its error if it failed. Must not throw. */
  ended?(error?: unknown): void
}

/**
 * Says that the record at `index` of the batch being written cannot be written, and why. Nothing of it may have been
 * written. The engine applies the sink's error policy: it counts the record, sends a dead letter, or throws, which
 * ends the job, so let it pass. Call it before `write` returns, or before its promise resolves.
 */
export type RejectRecord = (index: number, error: unknown) => void

/** Writes for one subtask. The engine never has two calls to it under way at once. */
export interface SinkWriter<in T, Committable extends Json = Json> {
  /**
   * Takes a batch. The promise is the backpressure: nothing more comes until it resolves; return nothing
   * if there is nothing to wait for. A batch may be kept.
   *
   * A record that cannot be written, such as a `bigint` for JSON or a row that a table refuses, goes to `reject` and
   * is left out; the others are written. Throwing fails the whole job: that is for a sink that does not work.
   */
  write(batch: Batch<T>, reject: RejectRecord): Promise<void> | void
  /** Called at a barrier, between two writes: everything written so far belongs to `checkpoint`. */
  prepare(checkpoint: number): Promise<Committable | undefined>
  /**
   * Called once the checkpoint is durable, in order, perhaps again after a restart. Must be idempotent. The engine has
   * confirmed that this process still owns the job. A process that is paused after that and replaced may go on while
   * another one writes: what it does then must fail, or do what the other one has done already.
   */
  commit?(committable: Committable): Promise<void>
  /** Called last, on every path. What was not prepared is discarded. */
  close(): Promise<void>
}
