import type { Clock, Random } from '@millrace/world'
import type { Origin } from '../record/element.ts'
import type { HeaderColumn, RecordHeaders } from '../record/headers.ts'
import type { Fs } from '../disk/fs.ts'
import type { Json } from '../codec/json.ts'
import type { Owner } from '../disk/owner.ts'
import type { SplitLag } from '../record/split-lag.ts'
import type { EventTime } from '../record/time.ts'

/**
 * An origin of records, divided into splits that can be read independently.
 *
 * The engine calls the source; no source runs the checkpoint protocol itself. A position says how far a split
 * has been read. It must be valid in any other process.
 */
export interface Source<T, Position extends Json = Json> {
  /**
   * Its type: "files", "http". It is stored in checkpoints: a position is only passed to a source of the type
   * that made it.
   */
  readonly kind: string
  /**
   * The version of its positions, an integer from 1. Increase it when they change; `open` must still read
   * those of every earlier version, and a source never gets positions of a later one. Default 1.
   */
  readonly positionVersion?: number
  /**
   * `replayable`: any position can be read again after a crash. `redelivering`: what was not acknowledged comes again, also
   * records that a checkpoint has, so nothing is lost and some records come twice. `volatile`: data can be read only once.
   */
  readonly durability: 'replayable' | 'redelivering' | 'volatile'
  /**
   * Lists the existing splits. Called at start and again every `discoverEveryMs`; a split never changes its
   * name. A finished split may be listed again: if it has ended for good it is not opened again; if it has
   * ended for a run, the next run opens it, if it is listed then.
   */
  discover(context: ConnectorContext): Promise<Discovery>
  /** Milliseconds between calls of `discover` while it reports that splits may be added. Default 1000. */
  readonly discoverEveryMs?: number
  /**
   * Opens a split at a position returned earlier, or at its beginning. In one run of a job a split may be
   * opened more than once: the engine closes readers when too many are open, and reopens them at their
   * positions.
   */
  open(
    split: string,
    from: Position | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, Position>>
  /**
   * Maximum number of open readers, in all subtasks together. Default: the option `maxOpenReaders` of the
   * job. A `volatile` source has no limit, because closing a reader would lose the data it has fetched.
   */
  readonly maxOpenReaders?: number
  /**
   * Returns those of the given splits that may have more data after their positions, or have ended. The
   * engine calls this every `discoverEveryMs` for splits that it closed while they were quiet, and at the
   * start for those that had ended in an earlier run; it should cost less than opening them. Without it they
   * are opened to find out.
   */
  changed?(splits: readonly ClosedSplit<Position>[], context: ConnectorContext): Promise<readonly string[]>
  /**
   * Returns those of the given splits that `discover` will never list again. All of them have ended, and were
   * not listed recently. The engine remembers every finished split, about 50 bytes for each, so that it is
   * not read again; these it forgets. Without it none is forgotten.
   */
  gone?(splits: readonly string[], context: ConnectorContext): Promise<readonly string[]>
  /**
   * Returns the name of a split for people, such as the path of a file. Messages and status lines show it. Default: the
   * name of the split.
   */
  splitLabel?(split: string): string
  /**
   * Whether a split is in the data directory of the job. Of a job with several data directories only the one that has it can read it,
   * whatever the name of the split says. Default: none is.
   */
  isInDirectory?(split: string): boolean
  /** Whether its records may have headers. `explain` then names the operators that do not pass them on. Default false. */
  readonly hasHeaders?: boolean
  /**
   * Decodes one record from the bytes of a dead letter, and throws where decoding fails. Without it dead letters of the
   * source cannot be redriven.
   */
  decode?(raw: Uint8Array): T
  /**
   * Whether all its subtasks run in the thread that started the job, also when the job uses more: its client cannot leave
   * that thread, or it has something that exists once in a process, as a port or standard input. Its records cross to
   * the other threads. Default false.
   */
  readonly needsMainThread?: boolean
  /** Called once when the job ends or restarts, after every reader was closed. */
  close?(): Promise<void>
  /** Called once when the job has ended and does not restart, with its error if it failed. Must not throw. */
  ended?(error?: unknown): void
}

/** A closed split, and where it would be opened. */
export interface ClosedSplit<Position extends Json = Json> {
  readonly split: string
  readonly position: Position | undefined
}

/** The existing splits. */
export interface Discovery {
  readonly splits: readonly string[]
  /** Whether no split will ever be added. A bounded job ends when every split has ended and this is true. */
  readonly isComplete: boolean
}

/**
 * Reads one split.
 *
 * `poll` never waits: it returns available records. A reader fetches ahead on its own, within bounds, and
 * `ready` resolves when there is something. The two are separate so that a barrier never has to wait for
 * data.
 */
export interface SplitReader<T, Position extends Json = Json> {
  /** Returns up to `limit` available records. Throwing fails the job with place and cause. */
  poll(limit: number): Poll<T>
  /**
   * Resolves when `poll` may have news: records, the end, or that it has caught up. It may resolve without
   * news. Must resolve after `close`.
   */
  ready(): Promise<void>
  /**
   * The position to resume from: after the last record that `poll` returned. Called between two polls. A
   * common bug in connectors is to be off by one: return the position of the *next* record.
   *
   * Must not throw, wait or do I/O.
   */
  position(): Position
  /**
   * How much of the split was not read yet, as far as the reader knows without asking: the size of a file less the
   * position, the newest offset less the next one. Called for metrics, about once a second. Must not throw or wait. It may
   * ask in the background for what the next call returns: see `LatestAnswer`. Absent or undefined: unknown.
   */
  lag?(): SplitLag | undefined
  /** How many bytes of input `poll` has returned records of. For metrics, as `lag`. Absent: unknown. */
  readonly bytesRead?: number | undefined
  /**
   * Whether closing it would lose data, as a pipe loses what was read ahead. Such a reader is closed only
   * when it has ended or the job does, and does not count for `maxOpenReaders`. Default false.
   */
  readonly mustStayOpen?: boolean
  /**
   * Acknowledges that all data before this position is in a durable checkpoint. For systems that delete or
   * commit read data.
   */
  acknowledge?(position: Position): Promise<void>
  /**
   * Whether the positions of the last checkpoint are acknowledged when the job ends, and not in its next run: for systems
   * that would deliver the records again. If that checkpoint is damaged, an older one lacks them. Default false.
   */
  readonly acknowledgesLast?: boolean
  close(): Promise<void>
}

/** The result of `poll`. */
export type Poll<T> =
  | {
      readonly kind: 'records'
      readonly values: readonly T[]
      /** The places of the records, for dead letters and error messages. */
      readonly origin?: Origin
      /** The headers of the records, by the index of their value. Absent if none has any. */
      readonly headers?: HeaderColumn | undefined
      /** Only from a source whose records have event times already. Absent: they get some from the pipeline, or never have any. */
      readonly stamps?: RecordStamps | undefined
      /**
       * Input that could not be decoded. The engine applies the source's error policy, in order of `index`.
       */
      readonly failures?: readonly DecodeFailure[]
    }
  /** No data is available now. `isCaughtUp` says that the reader has returned all existing data. */
  | {
      readonly kind: 'pending'
      readonly isCaughtUp: boolean
      /** How far event time is now. Only from a source that returns `stamps`. Absent: as before. */
      readonly progress?: SplitProgress | undefined
    }
  /**
   * No more data in this run. `isFinal` says that none will come in any later run either: the engine drops
   * the position and never opens the split again. Otherwise the next start opens it where it ended, so a
   * source whose splits may grow while no job runs omits it. Default false.
   */
  | { readonly kind: 'end'; readonly isFinal?: boolean }

/** What the engine knows of records beside their values, from a source that reads them with it: from another job. */
export interface RecordStamps {
  /** The event time of each record; `NaN` on a stream without event times. */
  readonly times: Float64Array
  /** The watermark under which each record is handled. It never decreases in a split. */
  readonly watermarks: Float64Array
  /** The index of each record in `origin`, or -1 for one that a timer made. Absent: its own. */
  readonly originIndex?: Int32Array | undefined
}

/** How far a split has got in event time without a record. */
export interface SplitProgress {
  readonly watermark: EventTime
  /** Whether the split has nothing for now, so that no one need wait for its watermark. A record revokes that. */
  readonly isIdle: boolean
}

/** Input that is not a valid record. */
export interface DecodeFailure {
  /** How many of the poll's `values` come before it. */
  readonly index: number
  readonly error: unknown
  readonly raw: Uint8Array
  /** "line 17, byte 1234" */
  readonly place: string
  readonly headers?: RecordHeaders | undefined
  /** How often it was redriven from the dead letters. Absent: never. */
  readonly redrives?: number
}

/** Why a run of a job began, and from what. */
export interface JobStart {
  /**
   * `'first'`: the data directory had no checkpoint. `'resumed'`: an earlier run had left one. `'restarted'`: the job has failed
   * in this process, and begins again from its last checkpoint, or from the start of its input if it had none.
   */
  readonly kind: 'first' | 'resumed' | 'restarted'
  /** The number of the checkpoint that was restored; undefined if there was none. */
  readonly checkpoint: number | undefined
  /** Whether that checkpoint is the end of a run: its input had ended, or was drained. Default false. */
  readonly isEndOfRun?: boolean
}

/** What a connector may use, and where it is. */
export interface ConnectorContext {
  /** The source's or sink's name in the pipeline. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly fs: Fs
  /** A directory for this connector, inside the job's data directory. It may not exist yet. */
  readonly directory: string
  /**
   * The right of this process to write. Another process may have acquired it unnoticed: confirm before an
   * irreversible step, and see `Owner` for what else that step needs.
   */
  readonly owner: Owner
  /** Whether the job reads existing data and ends, instead of waiting for more. */
  readonly isBounded: boolean
  /** Why this run of the job began, and from what. */
  readonly start: JobStart
  /** Aborted when the task must stop. Every wait inside a connector must end on it. */
  readonly signal: AbortSignal
  /** Reports a warning to the person who runs the job. */
  warn(message: string): void
  /**
   * Reports that the system behind the connector cannot be reached, and that the connector tries again by itself. The job
   * shows since when and why, and does not count checkpoints that time out meanwhile. Repeated reports are ignored.
   */
  down(reason: unknown): void
  /**
   * Reports that the connector tries once more to reach the system. The circuit breaker of a sink is half-open then; it was
   * opened by `down`, which says also that the attempt has failed, and is closed by `up`. Ignored if it was not reported down.
   */
  trying(): void
  /** Reports that the system can be reached again. Ignored if it was not reported down. */
  up(): void
}
