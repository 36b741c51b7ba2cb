import type { Clock, Random } from '@millrace/world'
import type { Origin } from '../record/element.ts'
import type { Fs } from '../disk/fs.ts'
import type { Json } from '../codec/json.ts'
import type { Owner } from '../disk/owner.ts'

/**
 * A place to read from, divided into splits that can be read independently.
 *
 * The engine asks, the source answers; no source runs the checkpoint protocol itself. A position says
 * how far a split has been read. It must mean the same thing to a process that has never seen this one.
 */
export interface Source<T, Position extends Json = Json> {
  /**
   * What it is: "files", "http". Checkpoints hold it: a position is only ever handed to a source of the kind that
   * made it.
   */
  readonly kind: string
  /**
   * The version of its positions, a whole number from 1. Raise it when they change; `open` must still read those of
   * every earlier version, and a source never gets positions of a later one. Default 1.
   */
  readonly positionVersion?: number
  /** `replayable`: any position can be read again after a crash. `volatile`: what was read is gone. */
  readonly durability: 'replayable' | 'volatile'
  /**
   * Names the splits that exist now. Called at start and again every `discoverEveryMs`; a split once named
   * is never named under another name. A split that has ended may be named again: one that has ended for good is not
   * opened again, and one that has ended for a run is opened by the next run, if it is named then.
   */
  discover(context: ConnectorContext): Promise<Discovery>
  /** Milliseconds between calls of `discover` while it says that more may come. Default 1000. */
  readonly discoverEveryMs?: number
  /**
   * Opens a split at a position returned earlier, or at its beginning. In one life of a job a split may be opened more
   * than once: the engine closes readers when too many are open, and opens them again where they were.
   */
  open(
    split: string,
    from: Position | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, Position>>
  /**
   * How many readers may be open at a time, in all subtasks together. Default: the option `maxOpenReaders` of the job. A
   * `volatile` source has no limit, because what a closed reader has fetched would be lost.
   */
  readonly maxOpenReaders?: number
  /**
   * Names those of some splits that may have something new behind their positions: records, or the end. The engine asks
   * this every `discoverEveryMs` about splits that it closed while they were quiet, and at the start about those that
   * had ended for an earlier run; it should cost less than opening them. Without it they are opened to find out.
   */
  changed?(splits: readonly ClosedSplit<Position>[], context: ConnectorContext): Promise<readonly string[]>
  /**
   * Names those of some splits that will never be named by `discover` again. All of them have ended, and were not named
   * of late. The engine remembers every split that has ended, about 50 bytes for each, so that it is not read again;
   * these it forgets. Without it none is forgotten.
   */
  gone?(splits: readonly string[], context: ConnectorContext): Promise<readonly string[]>
  /** Called once when the job ends or restarts, after every reader was closed. */
  close?(): Promise<void>
  /** Called once when the job has ended and does not restart, with its error if it failed. Must not throw. */
  ended?(error?: unknown): void
}

/** A split that is not open, and where it would be opened. */
export interface ClosedSplit<Position extends Json = Json> {
  readonly split: string
  readonly position: Position | undefined
}

/** The splits that exist now. */
export interface Discovery {
  readonly splits: readonly string[]
  /** Whether no split will ever be added. A bounded job ends when every split has ended and this is true. */
  readonly isComplete: boolean
}

/**
 * Reads one split.
 *
 * `poll` never waits: it hands out what is here. A reader fetches ahead on its own, within bounds, and
 * says by `ready` when there is something. The two are apart so that a barrier never has to wait for data.
 */
export interface SplitReader<T, Position extends Json = Json> {
  /** Hands out up to `limit` records that are here now. Throwing fails the job with place and cause. */
  poll(limit: number): Poll<T>
  /**
   * Resolves when `poll` may have something new to say: records, the end, or that it has caught up. It may
   * resolve for nothing now and then. Must resolve after `close`.
   */
  ready(): Promise<void>
  /**
   * The place to resume from: just after the last record that `poll` has handed out. Called between two
   * polls. Off by one here is the classic connector bug: return the place of the *next* record.
   *
   * Must not throw, wait or ask the outside world.
   */
  position(): Position
  /**
   * Whether closing it would lose something, as a pipe loses what was read of it. Such a reader is closed only when it has
   * ended or the job does, and does not count for `maxOpenReaders`. Default false.
   */
  readonly mustStayOpen?: boolean
  /** Everything before this position is in a durable checkpoint. For systems that delete or commit what was read. */
  acknowledge?(position: Position): Promise<void>
  close(): Promise<void>
}

/** What `poll` hands out. */
export type Poll<T> =
  | {
      readonly kind: 'records'
      readonly values: readonly T[]
      /** Where they came from, for dead letters and error messages. */
      readonly origin?: Origin
      /** What could not be decoded. The engine applies the source's error policy, in order of `index`. */
      readonly failures?: readonly DecodeFailure[]
    }
  /** Nothing is here now. `isCaughtUp` says that the reader has seen everything there is. */
  | { readonly kind: 'pending'; readonly isCaughtUp: boolean }
  /**
   * Nothing more comes in this run. `isFinal` says that nothing will in any later one either: the engine forgets the
   * position and never opens the split again. Otherwise the next start opens it where it ended and asks again, so a
   * source whose splits may grow while no job runs leaves it out. Default false.
   */
  | { readonly kind: 'end'; readonly isFinal?: boolean }

/** A piece of input that is no record. */
export interface DecodeFailure {
  /** How many of the poll's `values` come before it. */
  readonly index: number
  readonly error: unknown
  readonly raw: Uint8Array
  /** "line 17, byte 1234" */
  readonly place: string
}

/** What a connector may touch of the world, and where it is. */
export interface ConnectorContext {
  /** The source's or sink's name in the pipeline. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly fs: Fs
  /** A directory for this connector alone, inside the job's data directory. It may not exist yet. */
  readonly directory: string
  /**
   * The right of this process to write. Another process may have taken over without this one having noticed: confirm
   * before a step that cannot be taken back, and see `Owner` for what else that step needs.
   */
  readonly owner: Owner
  /** Whether the job reads what is there now and ends, instead of waiting for more. */
  readonly isBounded: boolean
  /** Aborted when the task must stop. Every wait inside a connector must end on it. */
  readonly signal: AbortSignal
  /** Tells the person who runs the job something they should know. */
  warn(message: string): void
}
