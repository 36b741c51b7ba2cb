/**
 * The only way Millrace touches files.
 *
 * The interface is small on purpose: it is what can be made durable. A new file is durable only after
 * `FsFile.sync` (its bytes) and `Fs.syncDirectory` (its name); a rename or a removal only after
 * `syncDirectory`. The simulated file system loses exactly what was not synced.
 *
 * Paths use `/`. A byte of a name that is not UTF-8 is a lone surrogate, U+DC80 to U+DCFF, in a path, so that every file
 * that is listed can be opened. Every failure is a `MillraceError` with one of the `FS_` codes; its message names
 * the path and what to do.
 */
export interface Fs {
  /**
   * Opens a file. `read` and `update` need it to exist (`FS_NOT_FOUND`), `create` needs it not to (`FS_EXISTS`),
   * `append` makes it if it is missing. `create` and `append` write at the end, `update` where `writeAt` says.
   */
  open(path: string, mode: FsMode): Promise<FsFile>
  /** Gives a file another name, replacing what stood there. Atomic: a reader sees the old or the new. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. `FS_NOT_FOUND` if there is none. */
  remove(path: string): Promise<void>
  /** The entries of a directory, sorted by name. `FS_NOT_FOUND` if there is no such directory. */
  list(path: string): Promise<readonly FsEntry[]>
  /** Facts about a file or directory; undefined if there is none. Follows symbolic links. */
  stat(path: string): Promise<FsStat | undefined>
  /** Makes a directory and its parents. Fine if it exists. */
  makeDirectory(path: string): Promise<void>
  /** Removes an empty directory. `FS_NOT_FOUND` if there is none, `FS_EXISTS` if something is in it. */
  removeDirectory(path: string): Promise<void>
  /** Makes names in a directory durable: what was created in it, renamed into it, removed from it. */
  syncDirectory(path: string): Promise<void>
}

/** What a file is opened for. */
export type FsMode = 'read' | 'create' | 'append' | 'update'

/** An open file. One writer or many readers; calls on one file must not overlap. */
export interface FsFile {
  /**
   * Writes at the end and returns how many bytes were taken, which may be fewer than given: a disk
   * that runs full takes what fits and fails only on the next call. Use `writeFully`. Not for `update`.
   */
  write(bytes: Uint8Array): Promise<number>
  /**
   * Writes at `position`, over what is there and beyond the end, and returns how many bytes were taken. Use
   * `writeFullyAt`. Only for `update`. To write the same bytes to the same place again changes nothing, which makes it
   * safe for a process that was replaced and does not know it.
   */
  writeAt(bytes: Uint8Array, position: number): Promise<number>
  /** Reads up to `into.length` bytes from `position` and returns how many; 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /**
   * Like `read`, at once: it blocks the thread until the disk has answered. For a store whose state is larger than
   * memory, since operators look state up synchronously. Not while another call is under way.
   */
  readSync(into: Uint8Array, position: number): number
  /** Cuts the file to `size` bytes. */
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
  /** Names the file itself rather than its path: stays the same over a rename. */
  readonly identity: string
}
