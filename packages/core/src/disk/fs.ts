/**
 * The only way in which Millrace uses files.
 *
 * The interface is small on purpose: it contains what can be made durable. A new file is durable only after
 * `FsFile.sync` (its bytes) and `Fs.syncDirectory` (its name); a rename or a removal only after
 * `syncDirectory`. The simulated file system loses exactly what was not synced.
 *
 * Paths use `/`. A byte of a name that is not UTF-8 is a lone surrogate, U+DC80 to U+DCFF, in a path, so that every file
 * that is listed can be opened. Every failure is a `MillraceError` with one of the `FS_` codes; its message names
 * the path and what to do.
 */
export interface Fs {
  /**
   * Opens a file. `read` and `update` require it to exist (`FS_NOT_FOUND`), `create` requires it not to
   * (`FS_EXISTS`), `append` creates it if necessary. `create` and `append` write at the end, `update` where
   * `writeAt` says.
   */
  open(path: string, mode: FsMode): Promise<FsFile>
  /** Renames a file, replacing an existing one. Atomic: a reader sees the old or the new. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. `FS_NOT_FOUND` if there is none. */
  remove(path: string): Promise<void>
  /** The entries of a directory, sorted by name. `FS_NOT_FOUND` if there is no such directory. */
  list(path: string): Promise<readonly FsEntry[]>
  /** Facts about a file or directory; undefined if it does not exist. Follows symbolic links. */
  stat(path: string): Promise<FsStat | undefined>
  /** Creates a directory and its parents. No error if it exists. */
  makeDirectory(path: string): Promise<void>
  /** Removes an empty directory. `FS_NOT_FOUND` if it does not exist, `FS_EXISTS` if it is not empty. */
  removeDirectory(path: string): Promise<void>
  /** Makes names in a directory durable: created, renamed and removed entries. */
  syncDirectory(path: string): Promise<void>
  /**
   * Calls back soon after a file has changed, until disposed. A hint that saves waiting: it may come without a change,
   * and may be missing, as for a file on a network volume, so look from time to time as well. Must not throw. Absent:
   * there are no hints.
   */
  watch?(path: string, onChange: () => void): Disposable
}

/** The mode in which a file is opened. */
export type FsMode = 'read' | 'create' | 'append' | 'update'

/** An open file. One writer or many readers; calls on one file must not overlap. */
export interface FsFile {
  /**
   * Writes at the end and returns the number of bytes written, which may be fewer than given: a disk that
   * becomes full accepts what fits and fails only on the next call. Use `writeFully`. Not for `update`.
   */
  write(bytes: Uint8Array): Promise<number>
  /**
   * Writes at `position`, over existing bytes and beyond the end, and returns the number of bytes written.
   * Use `writeFullyAt`. Only for `update`. Writing the same bytes to the same place again changes nothing,
   * which makes it safe for a process that was replaced unnoticed.
   */
  writeAt(bytes: Uint8Array, position: number): Promise<number>
  /** Reads up to `into.length` bytes from `position` and returns how many; 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /**
   * Like `read`, but synchronous: it blocks the thread until the disk has answered. For a store whose state
   * is larger than memory, since operators look state up synchronously. Must not overlap with another call.
   */
  readSync(into: Uint8Array, position: number): number
  /** Truncates the file to `size` bytes. */
  truncate(size: number): Promise<void>
  /** Makes written bytes durable. Rejects with `FS_SYNC_FAILED`, after which the file must not be trusted. */
  sync(): Promise<void>
  /** Current size in bytes. */
  size(): Promise<number>
  close(): Promise<void>
}

/** One name in a directory. */
export interface FsEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'other'
}

/** Facts about a file or directory. */
export interface FsStat {
  readonly kind: 'file' | 'directory' | 'other'
  /** In bytes. */
  readonly size: number
  /** Last change of the content, in milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Identifies the file rather than its path: stays the same after a rename. */
  readonly identity: string
}
