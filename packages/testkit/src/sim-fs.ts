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

/** What a simulated disk is like. */
export interface SimFsOptions {
  /**
   * Varies how long each operation takes (one to four microtasks) and what a crash leaves half done. The
   * same seed gives the same run, and the next life goes by a fork of it: what happens there does not depend
   * on how many other outcomes were tried before. Absent: every operation takes one microtask.
   */
  readonly random?: Random
  /** What files are stamped with. Absent: one millisecond passes with each operation. */
  readonly clock?: Pick<Clock, 'now'>
  /** How many bytes all files together may hold. Default: no limit. */
  readonly capacityBytes?: number
}

/**
 * A file system in memory that can crash.
 *
 * It has two layers. Programs see the volatile one; power loss leaves the durable one, to which bytes get
 * by `FsFile.sync` and names by `syncDirectory`. A name made by `makeDirectory`, `open` or `rename`, and
 * the absence of one taken by `remove` or `removeDirectory`, is volatile until then, also when the file itself was synced.
 *
 * Every change has a running number, from 1, by which `crashAt` and `failAt` name it: creating (`open`),
 * `write`, `truncate`, `sync`, `rename`, `remove`, each directory made, `removeDirectory`, `syncDirectory`.
 * Nothing here waits for anything but microtasks.
 *
 * One instance is one life of the process. After a crash each of its calls rejects with `SimulatedCrash`;
 * `afterKill` and `afterPowerLoss` give what the next life finds.
 *
 * @example
 * const fs = new SimFs()
 * fs.crashAt(3)
 * await publishFile(fs, '.', 'manifest', bytes).catch(() => {}) // create, write, and dies in the sync
 * fs.afterPowerLoss().paths() // => []
 */
export class SimFs implements Fs {
  /** How many bytes all files together may hold. A write takes what fits; the next rejects with `FS_FULL`. */
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

  /** How many changes there have been in this life. A run without a crash tells how many points it has. */
  get operations(): number {
    return this.#disk.operations
  }

  /** Which life of the process this is, from 1: how often the disk has been crashed, and one. */
  get life(): number {
    return this.#disk.log.life
  }

  /** Whether this life has ended: by `crashAt`, or because a next life was asked for. */
  get hasCrashed(): boolean {
    return this.#disk.hasCrashed
  }

  /**
   * Makes the given operation the last: what was asked for later, or is in progress, never happens.
   *
   * `before` leaves nothing of the operation, `after` all of it; `during` leaves a beginning of a write and
   * some sectors of a sync, and any other operation done or not.
   */
  crashAt(operation: number, style: CrashStyle = 'during'): void {
    this.#disk.crashAt(operation, style)
  }

  /** What the next life finds when the process was killed and the machine kept running: everything. */
  afterKill(): SimFs {
    return this.#nextLife(this.#names.afterKill(), 'killed; nothing is lost')
  }

  /**
   * What the next life finds when the power was lost.
   *
   * With `random`, some of what was not synced: names in any combination that keeps the order of changes to
   * each, data sector by sector, old, new, half or garbage. Without, nothing of it. May be called several
   * times, to see several outcomes of one crash.
   */
  afterPowerLoss(random?: Random): SimFs {
    const event = `power lost; ${random === undefined ? 'everything' : 'some'} unsynced is lost`
    return this.#nextLife(this.#names.afterPowerLoss(random ?? 'synced'), event)
  }

  // Faults.

  /** How many bytes one write takes at most. Default: no limit. */
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
   * What a failed sync was asked for counts as synced afterwards and is not: power loss takes it, whatever
   * later syncs report.
   */
  failAt(operation: number): void {
    this.#disk.failAt(operation)
  }

  /** Makes the `nth` operation of a kind from now on fail, as `failAt` does. */
  failNext(kind: OperationKind, nth = 1): void {
    this.#disk.failNext(kind, nth)
  }

  /** Takes back every fault and crash that has not come yet, and every limit. */
  heal(): void {
    this.#disk.heal()
    this.capacityBytes = Number.POSITIVE_INFINITY
  }

  /** Changes the byte at `offset` by exclusive or with `mask`, at rest: no number, no time, no sync. */
  corrupt(path: string, offset: number, mask: number): void {
    requireFile(this.#names.find(path), path).flip(offset, mask)
  }

  /** Takes a file away for good, as a person or a broken disk would. */
  lose(path: string): void {
    requireFile(this.#names.find(path), path)
    this.#names.plant(path, undefined)
  }

  // For tests to look and prepare, at any time, also after a crash.

  /** Puts a durable file there, with the directories it needs, replacing what had its name. */
  put(path: string, content: Uint8Array | string): void {
    const file = new SimFile(this.#names.newIdentity(), this.#disk.now())
    file.put(0, typeof content === 'string' ? new TextEncoder().encode(content) : content)
    file.sync()
    this.#names.plant(path, file)
  }

  /** A copy of what programs see in a file, or undefined if there is none. */
  peek(path: string): Uint8Array | undefined {
    const entry = this.#names.find(path)
    return entry instanceof SimFile ? entry.bytes().slice() : undefined
  }

  /** The paths of all files, from the root, sorted. */
  paths(): string[] {
    return Array.from(this.#names.files(), ([path]) => path)
  }

  /** The paths of files that were opened and not closed. */
  openPaths(): string[] {
    return Array.from(this.#open, ({ path }) => path)
  }

  /** The story so far, one line per operation, over all lives: for the message of a failed test. */
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
