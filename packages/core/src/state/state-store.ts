/**
 * The floor under all keyed state.
 *
 * Values live as objects in cells; nothing is encoded while records are processed. At a barrier the
 * cells that changed are frozen in constant time, encoded in slices between batches and made durable
 * beside the running job. The memory store keeps every cell live; a store for state larger than memory
 * keeps a bounded number of them live and reads the others from disk in `find` and `cells`, which block
 * (`FsFile.readSync`), as RocksDB does under Flink.
 *
 * True between any two calls:
 *
 *  1. A cell that `find` or `cells` handed out is not owed to a running snapshot: whoever may change it
 *     in place can do so.
 *  2. What a snapshot holds is the state at its `freeze`, whatever happened since.
 *  3. A value changed in place is not part of any snapshot until `changed` was called for its cell.
 *
 * State is filed under (owner, table, outer, inner). `owner` is an operator's name, `table` a state
 * descriptor's. `outer` and `inner` are key tokens; what they mean is up to the table: a value per key
 * uses a constant outer token, a window table (window, key), a map (key, map key).
 */
import type { KeyToken } from '../record/key-token.ts'
import type { Pacing, Slicing } from '../disk/yield-budget.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Codec } from '../codec/codec.ts'
import type { Fs } from '../disk/fs.ts'
import type { Json } from '../codec/json.ts'

/** A kind of store; one per job, opened anew for every start and restart. */
export interface StateStore {
  /** Names the kind in a manifest; a checkpoint is restored only into the kind that made it. */
  readonly kind: string
  open(options: StateStoreOptions): Promise<OpenStateStore>
}

/** What a store is given to work with. */
export interface StateStoreOptions {
  readonly fs: Fs
  /** Asked while a snapshot is loaded, which takes long: when it says so, the event loop gets a turn. */
  readonly budget: Pacing
  /** The store's own directory. Only owners of the job write there, one after the other. */
  readonly directory: string
  /**
   * That of the owner who opens it: see `Owner`. It may have been replaced without noticing. So a store makes no file that
   * one of another epoch could make as well, and removes none of a later epoch. Default 1.
   */
  readonly epoch?: number
  /** What the manifest that is restored holds, or undefined to start empty. */
  readonly from: StoreSnapshot | undefined
  /** State in `from` that the tables of this start must not get: they start empty. Default: none. */
  readonly discard?: readonly DiscardedState[]
  /** What every manifest still kept holds; files that none of them names may be deleted. */
  readonly retained: readonly StoreSnapshot[]
}

/** State that a start leaves out: of an operator, one table or all. */
export interface DiscardedState {
  readonly owner: string
  /** Undefined: every table of the owner. */
  readonly table?: string
}

/** What a manifest must say to find the state again: file names and lengths, as JSON. */
export type StoreSnapshot = Json

/** The state of all subtasks of one job in one process, from one start to the next. */
export interface OpenStateStore {
  /**
   * The table for one piece of state of one subtask. Called once per table, before `load`. Throws
   * `CHECKPOINT_INCOMPATIBLE` if the codec cannot read the restored bytes: it must have the id of the codec that wrote
   * them and at least its version, or a `reader` for it. What a `reader` read is part of the next snapshot.
   */
  table<T>(spec: TableSpec<T>): StateTable<T>
  /** Fills the tables from the snapshot being restored. Rejects with `CHECKPOINT_CORRUPT` on a bad checksum. */
  load(): Promise<void>
  /**
   * Everything that `owner`'s subtask changed so far belongs to the next snapshot. Constant time. What an earlier freeze
   * has left to encode, because its checkpoint was abandoned, belongs to it too.
   */
  freeze(owner: string, subtask: number): void
  /**
   * Encodes frozen cells of `owner`'s subtask until none is left, which returns true, or until `slicing` says to stop.
   * May be called when nothing is frozen.
   */
  encode(owner: string, subtask: number, slicing: Slicing): boolean
  /**
   * Makes everything encoded so far durable and says how to find it. Called when every owner has been
   * frozen and encoded. Rejects with `FS_SYNC_FAILED`, `FS_FULL` and the like; the store then takes no
   * more writes.
   */
  persist(): Promise<StoreSnapshot>
  /** A manifest was published: files named by none of `retained` may go. */
  release(retained: readonly StoreSnapshot[]): Promise<void>
  /** Figures for people: cells live, bytes a snapshot needs, bytes on disk. */
  usage(): StoreUsage
  close(): Promise<void>
}

/** How much a store holds, for people. */
export interface StoreUsage {
  readonly cells: number
  readonly liveBytes: number
  readonly diskBytes: number
}

/** Which piece of state a table holds, and how its values are written. */
export interface TableSpec<T> {
  readonly owner: string
  readonly subtask: number
  /** Unique within the owner. */
  readonly name: string
  readonly codec: Codec<T>
  /** Restored cells outside these groups belong to another subtask and are left out. */
  readonly groups: KeyGroupRange
}

/** Two levels of cells: outer token, then inner token. Cells come in order of creation, also after a restore. */
export interface StateTable<T> {
  /** How many cells there are. */
  readonly size: number
  /** The cell, free to be changed in place; call `changed` after doing so. */
  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined
  /** Makes a cell that must not exist yet. `group` decides which subtask owns it after a rescale. */
  create(outer: KeyToken, inner: KeyToken, group: number, value: T): Cell<T>
  /** Says that `cell.value` was replaced or changed in place. */
  changed(cell: Cell<T>): void
  delete(cell: Cell<T>): void
  /** Deletes every cell under `outer`, in constant time. */
  deleteOuter(outer: KeyToken): void
  /** The cells under `outer`. The table may be changed while iterating; cells made meanwhile may be left out. */
  cells(outer: KeyToken): Iterable<Cell<T>>
  /** How many cells there are under `outer`. */
  count(outer: KeyToken): number
  /**
   * The outer tokens that have cells, in the order in which they got the first one; after a restore in the order of the
   * oldest ones. The table may be changed while iterating.
   */
  outers(): Iterable<KeyToken>
}

/** One value in the store. Only `value` may be written by others than the store. */
export interface Cell<T> {
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  value: T
}
