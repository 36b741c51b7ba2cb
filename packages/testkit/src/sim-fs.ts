import type { Clock, Random } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import type { Fs, FsEntry, FsFile, FsMode, FsStat } from '@millrace/core/disk'
import type { OperationKind } from './operation-log.ts'
import type { Change, CrashStyle } from './sim-disk.ts'
import { SimDisk } from './sim-disk.ts'
import { SimFile } from './sim-file.ts'
import { SimHandle } from './sim-handle.ts'
import type { SimEntry } from './sim-names.ts'
import { byName, SimDirectory, SimNames } from './sim-names.ts'

/** Options of a simulated disk. */
export interface SimFsOptions {
  /**
   * Varies the duration of each operation (one to four microtasks) and what a crash leaves in part. The same seed gives
   * the same run. The next life uses a fork of it, so it does not depend on how many other outcomes were tried before.
   * Absent: every operation takes one microtask.
   */
  readonly random?: Random
  /** The clock for modification times. Absent: one millisecond passes with each operation. */
  readonly clock?: Pick<Clock, 'now'>
  /** The maximum number of bytes of all files together. Default: no limit. */
  readonly capacityBytes?: number
}

/**
 * A file system in memory that can crash.
 *
 * It has two layers. Programs see the volatile one; a power loss keeps the durable one. `FsFile.sync` makes bytes
 * durable, `syncDirectory` makes names durable. A name created by `makeDirectory`, `open` or `rename`, or removed by
 * `remove` or `removeDirectory`, is volatile until then, even if the file itself was synced.
 *
 * Every change has a number, from 1, which `crashAt` and `failAt` use: creating (`open`), `write`, `truncate`, `sync`,
 * `rename`, `remove`, each created directory, `removeDirectory`, `syncDirectory`. Operations wait only for microtasks.
 *
 * One instance is one life of the process. After a crash each of its calls rejects with `SimulatedCrash`; `afterKill`
 * and `afterPowerLoss` return what the next life finds.
 *
 * @example
 * const fs = new SimFs()
 * fs.crashAt(3)
 * await publishFile(fs, '.', 'manifest', bytes).catch(() => {}) // create, write, and dies in the sync
 * fs.afterPowerLoss().paths() // => []
 */
export class SimFs implements Fs {
  /**
   * The maximum number of bytes of all files together. A write takes what fits; the next one rejects with `FS_FULL`.
   */
  capacityBytes: number
  readonly #options: SimFsOptions
  readonly #disk: SimDisk
  #names = new SimNames()
  readonly #open = new Set<SimHandle>()

  constructor(options: SimFsOptions = {}) {
    const { random, clock, capacityBytes } = options
    this.#options = options
    this.capacityBytes = capacityBytes ?? Number.POSITIVE_INFINITY
    const now = clock && (() => clock.now())
    this.#disk = new SimDisk({ random, now, freeBytes: () => this.#freeBytes() })
  }

  async open(path: string, mode: FsMode): Promise<FsFile> {
    const file = await (mode === 'create'
      ? this.#disk.change(this.#creation(path))
      : this.#disk.look(() => {
          const found = this.#names.find(path)
          if (found === undefined && mode === 'append') return this.#disk.changeNow(this.#creation(path))
          return requireFile(found, path)
        }))
    const handle = new SimHandle(this.#disk, file, path, mode, () => this.#open.delete(handle))
    this.#open.add(handle)
    return handle
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.change({
      kind: 'rename',
      path: from,
      whole: () => {
        requireFile(this.#names.find(from), from)
        const target = this.#names.find(to)
        if (target !== undefined) requireFile(target, to)
        this.#names.move(this.#place(from), this.#place(to))
      },
      detail: () => `to ${to}`,
    })
  }

  remove(path: string): Promise<void> {
    return this.#disk.change({
      kind: 'remove',
      path,
      whole: () => {
        requireFile(this.#names.find(path), path)
        const { directory, name } = this.#place(path)
        this.#names.set(directory, name, undefined)
      },
    })
  }

  list(path: string): Promise<readonly FsEntry[]> {
    return this.#disk.look(() =>
      [...requireDirectory(this.#names.find(path), path).entries]
        .sort(byName)
        .map(([name, entry]) => ({ name, kind: kindOf(entry) })),
    )
  }

  stat(path: string): Promise<FsStat | undefined> {
    return this.#disk.look(() => {
      const entry = this.#names.find(path)
      if (entry === undefined) return undefined
      const { identity } = entry
      return entry instanceof SimFile
        ? { kind: 'file', size: entry.size, modifiedMs: entry.modifiedMs, identity }
        : { kind: 'directory', size: 0, modifiedMs: 0, identity }
    })
  }

  async makeDirectory(path: string): Promise<void> {
    let parent = path.startsWith('/') ? '' : '.'
    for (const name of path.split('/')) {
      const made = `${parent}/${name}`
      if ((await this.#disk.look(() => this.#names.find(made))) === undefined) {
        await this.#disk.change({ kind: 'makeDirectory', path: made, whole: () => this.#makeOne(made) })
      }
      parent = made
    }
    if (!(this.#names.find(path) instanceof SimFile)) return
    throw new MillraceError('FS_EXISTS', `${path}: is a file; remove it or take another name`)
  }

  removeDirectory(path: string): Promise<void> {
    return this.#disk.change({
      kind: 'removeDirectory',
      path,
      whole: () => {
        if (requireDirectory(this.#names.find(path), path).entries.size > 0) {
          throw new MillraceError(
            'FS_EXISTS',
            `${path}: the directory is not empty; remove its contents first`,
          )
        }
        const { directory, name } = this.#place(path)
        this.#names.set(directory, name, undefined)
      },
    })
  }

  syncDirectory(path: string): Promise<void> {
    const directory = (): SimDirectory => requireDirectory(this.#names.find(path), path)
    return this.#disk.change({
      kind: 'syncDirectory',
      path,
      whole: () => this.#names.sync(directory()),
      failed: () => this.#names.failSync(directory()),
    })
  }

  // Crashes.

  /** The number of changes in this life. A run without a crash shows how many crash points there are. */
  get operations(): number {
    return this.#disk.operations
  }

  /** The number of this life of the process, from 1; each crash begins the next. */
  get life(): number {
    return this.#disk.log.life
  }

  /** Whether this life has ended: by `crashAt`, or because the next life was created. */
  get hasCrashed(): boolean {
    return this.#disk.hasCrashed
  }

  /**
   * Makes the given operation the last: later and pending operations never take effect.
   *
   * With `before` the operation has no effect, with `after` its full effect. `during` keeps the beginning of a write
   * and some sectors of a sync, and makes any other operation or not.
   */
  crashAt(operation: number, style: CrashStyle = 'during'): void {
    this.#disk.crashAt(operation, style)
  }

  /** Returns what the next life finds after a kill, while the machine keeps running: everything. */
  afterKill(): SimFs {
    return this.#nextLife(this.#names.afterKill(), 'killed; nothing is lost')
  }

  /**
   * Returns what the next life finds after a power loss.
   *
   * With `random` it keeps some unsynced changes: names in any combination that keeps the order of changes to each, and
   * data sector by sector, old, new, partial or garbage. Without `random` it keeps none. May be called several times,
   * for several outcomes of one crash.
   */
  afterPowerLoss(random?: Random): SimFs {
    const event = `power lost; ${random === undefined ? 'everything' : 'some'} unsynced is lost`
    return this.#nextLife(this.#names.afterPowerLoss(random ?? 'synced'), event)
  }

  // Faults.

  /** The maximum number of bytes of one write. Default: no limit. */
  set writeBytesMax(bytes: number) {
    this.#disk.writeBytesMax = bytes
  }

  /** Whether every change but a sync rejects with `FS_READ_ONLY`. */
  set isReadOnly(isReadOnly: boolean) {
    this.#disk.isReadOnly = isReadOnly
  }

  /**
   * Makes one operation of this life fail: a sync with `FS_SYNC_FAILED`, another with `FS_IO` and no effect.
   *
   * Data of a failed sync counts as synced afterwards but is not durable: a power loss removes it, even if later syncs
   * succeed.
   */
  failAt(operation: number): void {
    this.#disk.failAt(operation)
  }

  /** Makes the `nth` next operation of a kind fail, as `failAt` does. */
  failNext(kind: OperationKind, nth = 1): void {
    this.#disk.failNext(kind, nth)
  }

  /** Cancels every fault and crash that has not occurred yet, and every limit. */
  heal(): void {
    this.#disk.heal()
    this.capacityBytes = Number.POSITIVE_INFINITY
  }

  /**
   * Changes the byte at `offset` on the disk by exclusive or with `mask`. This is not an operation: it takes no number
   * and no time.
   */
  corrupt(path: string, offset: number, mask: number): void {
    requireFile(this.#names.find(path), path).flip(offset, mask)
  }

  /** Removes a file durably, as a user or a broken disk would. */
  lose(path: string): void {
    requireFile(this.#names.find(path), path)
    this.#names.plant(path, undefined)
  }

  // For tests to look and prepare, at any time, also after a crash.

  /** Creates a durable file with its directories, and replaces any file of that name. */
  put(path: string, content: Uint8Array | string): void {
    const file = new SimFile(this.#names.newIdentity(), this.#disk.now())
    file.put(0, typeof content === 'string' ? new TextEncoder().encode(content) : content)
    file.sync()
    this.#names.plant(path, file)
  }

  /** Returns a copy of a file as programs see it, or undefined if there is none. */
  peek(path: string): Uint8Array | undefined {
    const entry = this.#names.find(path)
    return entry instanceof SimFile ? entry.bytes().slice() : undefined
  }

  /** The paths of all files, from the root, sorted. */
  paths(): string[] {
    return Array.from(this.#names.files(), ([path]) => path)
  }

  /** The paths of open files. */
  openPaths(): string[] {
    return Array.from(this.#open, ({ path }) => path)
  }

  /** Whether a program can find no difference between this disk and another one. False if something is not synced yet. */
  isSame(other: SimFs): boolean {
    return this.#names.isSame(other.#names)
  }

  /** The log so far, one line per operation, over all lives: for the message of a failed test. */
  describe(): string {
    return this.#disk.log.text()
  }

  #nextLife(names: SimNames, event: string): SimFs {
    this.#disk.crash()
    const log = this.#disk.log.next(event)
    const random = this.#options.random?.fork(`life ${log.life}`)
    const options = random === undefined ? this.#options : { ...this.#options, random }
    const next = new SimFs({ ...options, capacityBytes: this.capacityBytes })
    next.#disk.log = log
    next.#names = names
    return next
  }

  #creation(path: string): Change<SimFile> {
    return {
      kind: 'create',
      path,
      whole: () => {
        const { directory, name } = this.#place(path)
        if (directory.entries.has(name)) {
          throw new MillraceError('FS_EXISTS', `${path}: already exists; remove it or use another name`)
        }
        const file = new SimFile(this.#names.newIdentity(), this.#disk.now())
        this.#names.set(directory, name, file)
        return file
      },
    }
  }

  #makeOne(path: string): void {
    const { directory, name } = this.#place(path)
    if (directory.entries.has(name)) return // Made by someone else meanwhile.
    this.#names.set(directory, name, new SimDirectory(this.#names.newIdentity()))
  }

  #place(path: string): { readonly directory: SimDirectory; readonly name: string } {
    const place = this.#names.place(path)
    if (place === undefined) {
      throw new MillraceError('FS_NOT_FOUND', `${path}: its directory does not exist; make it first`)
    }
    return place
  }

  #freeBytes(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes
    let used = 0
    for (const [, file] of this.#names.files()) used += file.size
    return Math.max(this.capacityBytes - used, 0)
  }
}

function requireFile(entry: SimEntry | undefined, path: string): SimFile {
  if (entry instanceof SimFile) return entry
  throw entry === undefined
    ? new MillraceError('FS_NOT_FOUND', `${path}: there is no such file; check the path`)
    : new MillraceError('FS_IO', `${path}: is a directory; give a file`)
}

function requireDirectory(entry: SimEntry | undefined, path: string): SimDirectory {
  if (entry instanceof SimDirectory) return entry
  throw new MillraceError('FS_NOT_FOUND', `${path}: there is no such directory; check the path`)
}

function kindOf(entry: SimEntry): 'file' | 'directory' {
  return entry instanceof SimFile ? 'file' : 'directory'
}
