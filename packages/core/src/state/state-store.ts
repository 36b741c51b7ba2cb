/**
 * The contract of state stores, on which all keyed state is built.
 *
 * Values are live objects in cells; nothing is encoded while records are processed. At a barrier the changed
 * cells are frozen in constant time, encoded in slices between batches and made durable while the job runs.
 * The memory store keeps every cell live; a store for state larger than memory keeps a bounded number of them
 * live and reads the others from disk in `find` and `cells`, which block (`FsFile.readSync`), as RocksDB does
 * under Flink.
 *
 * Invariants between any two calls:
 *
 *  1. A cell that `find` or `cells` returned is not owed to a running snapshot, so it may be changed in
 *     place.
 *  2. A snapshot contains the state at its `freeze`, whatever happened since.
 *  3. A value changed in place is not part of any snapshot until `changed` was called for its cell.
 *
 * State is stored by (owner, table, outer, inner). `owner` is an operator's name, `table` a state
 * descriptor's. `outer` and `inner` are key tokens, whose meaning depends on the table: a value per key uses
 * a constant outer token, a window table (window, key), a map (key, map key).
 */
import type { KeyToken } from '../record/key-token.ts'
import type { Pacing, Slicing } from '../disk/yield-budget.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Codec } from '../codec/codec.ts'
import type { Fs } from '../disk/fs.ts'
import type { Json } from '../codec/json.ts'

/** A kind of store; one per job, opened for every start and restart. */
export interface StateStore {
  /** The kind, stored in a manifest; a checkpoint is restored only into the same kind, or into one that `restores` it. */
  readonly kind: string
  /** Other kinds whose snapshots it restores. Default: none. */
  readonly restores?: readonly string[]
  open(options: StateStoreOptions): Promise<OpenStateStore>
  /** The files that a snapshot consists of. Throws for a snapshot of another kind of store. */
  files(snapshot: StoreSnapshot): readonly StoreFile[]
}

/** A file of a snapshot: its name in the directory of the store, and how many bytes from its start belong to it. */
export interface StoreFile {
  readonly file: string
  /** Absent: all. */
  readonly bytes?: number
}

/** What a store may use. */
export interface StateStoreOptions {
  readonly fs: Fs
  /** Called while a snapshot is loaded, which takes long: it says when the event loop needs a turn. */
  readonly budget: Pacing
  /** The store's own directory. Only owners of the job write there, one after the other. */
  readonly directory: string
  /**
   * The epoch of the current owner: see `Owner`. It may have been replaced unnoticed. So a store creates no
   * file that one of another epoch could create as well, and deletes none of a later epoch. Default 1.
   */
  readonly epoch?: number
  /** The store's part of the restored manifest, or undefined to start empty. */
  readonly from: StoreSnapshot | undefined
  /** State in `from` that must not be restored: its tables start empty. Default: none. */
  readonly discard?: readonly DiscardedState[]
  /** The store's part of every kept manifest; files that none of them names may be deleted. */
  readonly retained: readonly StoreSnapshot[]
}

/** State that a start drops: one table of an operator, or all. */
export interface DiscardedState {
  readonly owner: string
  /** Undefined: every table of the owner. */
  readonly table?: string
}

/** What a manifest must contain to find the state again: file names and lengths, as JSON. */
export type StoreSnapshot = Json

/** The state of all subtasks of one job in one process, from one start to the next. */
export interface OpenStateStore {
  /**
   * The table for one piece of state of one subtask. Called once per table, before `load`. Throws
   * `CHECKPOINT_INCOMPATIBLE` if the codec cannot read the restored bytes: it must have the id of the codec
   * that wrote them and at least its version, or a `reader` for it. Values that a `reader` read are part of
   * the next snapshot. What the codec reads from ends where the value ends.
   */
  table<T>(spec: TableSpec<T>): StateTable<T>
  /** Fills the tables from the restored snapshot. Rejects with `CHECKPOINT_CORRUPT` on a bad checksum. */
  load(): Promise<void>
  /**
   * Assigns all changes so far of `owner`'s subtask to the next snapshot. Constant time. Changes that an
   * earlier freeze has left unencoded, because its checkpoint was aborted, are included.
   */
  freeze(owner: string, subtask: number): void
  /**
   * Encodes frozen cells of `owner`'s subtask until none is left, which returns true, or until `slicing` says to stop.
   * May be called when nothing is frozen.
   */
  encode(owner: string, subtask: number, slicing: Slicing): boolean
  /**
   * Makes everything encoded so far durable and returns how to find it. Called when every owner has been
   * frozen and encoded. Rejects with `FS_SYNC_FAILED`, `FS_FULL` and other file errors; the store then
   * rejects all writes.
   */
  persist(): Promise<StoreSnapshot>
  /** A manifest was published: files named by none of `retained` may be deleted. */
  release(retained: readonly StoreSnapshot[]): Promise<void>
  /** Statistics: live cells, bytes of a snapshot, bytes on disk. */
  usage(): StoreUsage
  /** The tables that were opened, for reading them while the job runs. */
  opened(): readonly OpenedTable[]
  /** Statistics of each table, timers included. */
  tableUsage(): readonly TableUsage[]
  close(): Promise<void>
}

/** How much a store holds, for people. */
export interface StoreUsage {
  readonly cells: number
  readonly liveBytes: number
  readonly diskBytes: number
  /** Bytes written since the store was opened. */
  readonly writtenBytes: number
}

/** A table and what it was opened for. */
export interface OpenedTable {
  readonly spec: TableSpec<unknown>
  readonly table: StateTable<unknown>
}

/** How much one table holds. */
export interface TableUsage {
  readonly owner: string
  readonly subtask: number
  /** The piece of state; `#timers` for timers. */
  readonly name: string
  readonly cells: number
  /** Bytes of its cells in the last snapshot; undefined if the store does not count them. */
  readonly bytes?: number
}

/** The piece of state of a table, and the codec of its values. */
export interface TableSpec<T> {
  readonly owner: string
  readonly subtask: number
  /** Unique within the owner. */
  readonly name: string
  readonly codec: Codec<T>
  /** Restored cells outside these groups belong to another subtask and are skipped. */
  readonly groups: KeyGroupRange
  /**
   * The owner keeps objects of its own in the cells, which are not part of the stored values: no cell may leave memory.
   * Default false.
   */
  readonly staysLive?: boolean
  /**
   * The inner tokens number the cells in order of creation, each subtask on its own: of the numbers of an outer token
   * only the order means something. Default false.
   */
  readonly isNumbered?: boolean
}

/** What an operator says about a table of its own. */
export type OwnTableSpec<T> = Pick<TableSpec<T>, 'name' | 'codec' | 'staysLive' | 'isNumbered'>

/**
 * Two levels of cells: outer token, then inner token. Cells are in order of creation, also after a restore.
 */
export interface StateTable<T> {
  /** How many cells there are. */
  readonly size: number
  /** The cell, free to be changed in place; call `changed` after doing so. */
  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined
  /** Creates a cell, which must not exist yet. `group` decides which subtask owns it after a rescale. */
  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T>
  /** Says that `cell.value` was replaced or changed in place. */
  changed(cell: Cell<T>): void
  delete(cell: Cell<T>): void
  /** Deletes every cell under `outer`, in constant time. */
  deleteOuter(outer: KeyToken): void
  /** The cells under `outer`. The table may be changed during iteration; new cells may be skipped. */
  cells(outer: KeyToken): Iterable<Cell<T>>
  /** How many cells there are under `outer`. */
  count(outer: KeyToken): number
  /**
   * The outer tokens with cells, in the order of their first cell; after a restore in the order of their
   * oldest cell. The table may be changed during iteration.
   */
  outers(): Iterable<KeyToken>
}

/** One value in the store. Only `value` may be written outside the store. */
export interface Cell<T> {
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  value: T
}
