import type { Json } from '../codec/json.ts'
import type { Change } from '../record/change.ts'
import type { Batch } from '../record/element.ts'
import type { EventTime } from '../record/time.ts'
import type { Key } from '../record/key.ts'
import type { ConnectorContext } from './source.ts'

/**
 * A destination for records.
 *
 * For at-least-once, `prepare` flushes and returns undefined. For exactly-once, it returns a committable: the
 * name of output that is durable but not yet visible, which `commit` makes visible. A committable outlives
 * the process: it is stored in the checkpoint's manifest. (Flink's two phases.)
 */
export interface Sink<in T, Committable extends Json = Json> {
  /**
   * Its type: "files". It is stored in checkpoints: a committable is only passed to a sink of the type that
   * made it.
   */
  readonly kind: string
  /**
   * The version of its committables, an integer from 1. Increase it when they change; `open` must still read
   * those of every earlier version, and a sink never gets committables of a later one. Default 1.
   */
  readonly committableVersion?: number
  readonly guarantee: 'exactly-once' | 'at-least-once' | 'at-most-once'
  /**
   * Whether all its subtasks run in the thread that started the job, also when the job uses more: its client cannot leave
   * that thread, or it has something that exists once in a process, as standard output. Default false.
   */
  readonly needsMainThread?: boolean
  /**
   * Whether its calls wait by themselves until its system can be reached again, and never throw `UNAVAILABLE`. Then the
   * options `retry` and `breaker` of `to` are refused, unless `retryIf` names other errors of the sink. Default false.
   */
  readonly reconnects?: boolean
  /**
   * Throws if `open` would fail, and changes nothing. Called once before any source or sink is opened, so
   * that a failed start leaves no trace. `pending` is as for `open`.
   */
  check?(pending: readonly Committable[], context: ConnectorContext): Promise<void>
  /**
   * Opens a writer for one subtask. `pending` was prepared before a restart and is named by the restored
   * manifest: commit it, whether or not that was done before, to the target it was prepared for, even if this
   * sink writes elsewhere now. Any other prepared output of an earlier run belongs to no checkpoint: remove
   * it. Only subtask 0 receives committables and cleans up, before the others are opened.
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
 * A sink that applies changes: an insert adds a row, an update replaces it and a delete removes it. Only such
 * a sink accepts a table; other sinks append records.
 *
 * It finds a row by the change's key. `updateBefore` is for sinks that need the old row; one that replaces
 * rows by key ignores it.
 */
export interface ChangeSink<in T, in K extends Key = Key, Committable extends Json = Json> extends Sink<
  Change<T, K>,
  Committable
> {
  readonly applies: 'changes'
}

/**
 * Rejects the record at `index` of the batch being written, with the reason. No part of it may have been
 * written. The engine applies the sink's error policy: it counts the record, sends a dead letter, or throws,
 * which ends the job, so do not catch the error. Call it before `write` returns, or before its promise
 * resolves.
 */
export type RejectRecord = (index: number, error: unknown) => void

/** How far the input of a sink subtask has got. */
export interface SinkProgress {
  /** The watermark, also after the end of the input; negative infinity on a stream without event times. */
  readonly watermark: EventTime
  /** Whether the input has nothing for now, so that no reader need wait for its watermark. */
  readonly isIdle: boolean
  /** Whether the input has ended: no record follows in this run. */
  readonly hasEnded: boolean
}

/** Writes for one subtask. The engine never overlaps calls to it. */
export interface SinkWriter<in T, Committable extends Json = Json> {
  /** How many bytes `write` has made of records, before they are compressed. For metrics. Absent: unknown. */
  readonly bytesWritten?: number | undefined
  /**
   * Writes a batch. The promise is the backpressure: no further batch arrives until it resolves; return
   * undefined if there is nothing to wait for. A batch may be kept.
   *
   * Pass a record that cannot be written, such as a `bigint` for JSON or a row that a table rejects, to
   * `reject` and write the others. Throwing fails the whole job: throw only if the sink cannot work.
   */
  write(batch: Batch<T>, reject: RejectRecord): Promise<void> | void
  /**
   * Called at a barrier, between two writes: everything written so far belongs to `checkpoint`. `progress`, which the engine always gives, is for sinks that pass on
   * event time with the records.
   */
  prepare(checkpoint: number, progress?: SinkProgress): Promise<Committable | undefined>
  /**
   * Called once the checkpoint is durable, in order, perhaps again after a restart. Must be idempotent. The
   * engine has confirmed that this process still owns the job. A process that is paused after that and
   * replaced may continue while another one writes: its late actions must fail, or repeat what the other one
   * has already done.
   */
  commit?(committable: Committable): Promise<void>
  /** Called last, on every path. Unprepared output is discarded. */
  close(): Promise<void>
}
