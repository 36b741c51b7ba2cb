import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import {
  copyFile,
  removeIfThere,
  type Fs,
  type FsEntry,
  type FsFile,
  type FsMode,
  type FsStat,
} from '@millrace/core/disk'
import { ReplicaFile } from './replica-file.ts'
import { TrackedFiles, type Changes, type TrackedFile } from './tracked-files.ts'

/** What a replicated directory needs of the one who keeps its changelog. */
export interface ReplicaKeeper {
  /** Commits what has changed. After it has rejected, the outcome is not known. */
  commit(changes: Changes): Promise<void>
  /** A commit is complete, on this disk as well. */
  completed(): Promise<void>
  /** Files are about to be replaced on the disk before that is committed: resolves when the note of the image is gone, durably. */
  doubt(): Promise<void>
}

/** What was renamed: the moment in which a checkpoint exists. */
type IsPublication = (from: string, to: string) => boolean

/**
 * The file system of a lease: its data directory is what the changelog has.
 *
 * The rename that publishes a manifest is the commit: everything that the directory has gained and lost since the one before
 * is committed with the manifest, and only then is it renamed on the disk. So a manifest that exists is durable in the
 * changelog, and the engine's own rules hold between machines.
 *
 * Until then the directory can be led back to what was committed: files only grow, and what the job removes or renames stays
 * on the disk, hidden, until its removal is committed. Where a file must be replaced before, the note of the image is
 * removed first, so that a crash leads to a full restore.
 *
 * After a failed commit, and when the lease was lost, every change rejects with that error.
 */
export class ReplicaFs implements Fs {
  readonly watch?: NonNullable<Fs['watch']>
  readonly #fs: Fs
  readonly #root: string
  readonly #keeper: ReplicaKeeper
  readonly #files: TrackedFiles
  readonly #isPublication: IsPublication
  /** Directories that the job has removed, and that have hidden files. */
  readonly #hiddenDirectories = new Set<string>()
  /** Settles when the changes so far are over: what a commit contains must not change meanwhile. */
  #changing: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  /** `root` is the data directory, which is `files.image` and nothing else. */
  constructor(fs: Fs, root: string, files: TrackedFiles, keeper: ReplicaKeeper) {
    this.#fs = fs
    this.#root = `${root}/`
    this.#files = files
    this.#keeper = keeper
    this.#isPublication = (from, to) => isTemporary(from) && to.startsWith('checkpoints/')
    if (fs.watch !== undefined) this.watch = (path, onChange) => fs.watch!(path, onChange)
  }

  /** Makes every later change reject, and a commit that has not sent everything yet. The first error counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Throws the error after which nothing may be changed any more. */
  requireSound(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async open(path: string, mode: FsMode): Promise<FsFile> {
    const inside = this.#inside(path)
    if (inside === undefined) return this.#fs.open(path, mode)
    if (mode === 'read') {
      if (this.#files.hidden.has(inside)) throw notFound(path)
      return this.#fs.open(path, mode)
    }
    this.requireSound()
    if (mode === 'update') {
      throw new MillraceError(
        'FS_DENIED',
        `${path}: a file in the data directory of a lease can only be appended to; keep files that are overwritten outside of it`,
      )
    }
    if (this.#files.hidden.has(inside)) await this.#alone(() => this.#replaceHidden(inside))
    const exists = mode === 'append' && (await this.#fs.stat(path)) !== undefined
    const file = await this.#fs.open(path, mode)
    const tracked = exists ? this.#files.track(inside, await file.size()) : this.#files.created(inside)
    return new ReplicaFile(file, tracked, {
      requireSound: () => this.requireSound(),
      cut: (size, cut) => this.#alone(() => this.#cut(tracked, size, cut)),
    })
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#inside(from), this.#inside(to)]
    if (source === undefined && target === undefined) return this.#fs.rename(from, to)
    if (source === undefined || target === undefined) {
      throw new MillraceError(
        'FS_DENIED',
        `${from}: cannot be renamed to ${to}, because only one of them is in the data directory of a lease; copy it`,
      )
    }
    await this.#alone(async () => {
      if (this.#files.hidden.has(source)) throw notFound(from)
      await (this.#isPublication(source, target) ? this.#publish(source, target) : this.#move(source, target))
    })
  }

  async remove(path: string): Promise<void> {
    const inside = this.#inside(path)
    if (inside === undefined) return this.#fs.remove(path)
    await this.#alone(async () => {
      if (this.#files.hidden.has(inside)) throw notFound(path)
      const isKept = this.#files.isCommitted(inside)
      if (!isKept) await this.#fs.remove(path)
      else if ((await this.#fs.stat(path)) === undefined) throw notFound(path)
      this.#files.removed(inside)
    })
  }

  async list(path: string): Promise<readonly FsEntry[]> {
    const inside = this.#inside(path)
    const entries = await this.#fs.list(path)
    if (inside === undefined && `${path}/` !== this.#root) return entries
    if (inside !== undefined && this.#isHiddenDirectory(inside)) throw notFound(path)
    const prefix = inside === undefined ? '' : `${inside}/`
    return entries.filter(({ name }) => !this.#isHidden(`${prefix}${name}`))
  }

  async stat(path: string): Promise<FsStat | undefined> {
    const inside = this.#inside(path)
    if (inside !== undefined && this.#isHidden(inside)) return undefined
    return this.#fs.stat(path)
  }

  async makeDirectory(path: string): Promise<void> {
    const inside = this.#inside(path)
    if (inside === undefined) return this.#fs.makeDirectory(path)
    await this.#alone(async () => {
      for (const hidden of this.#hiddenDirectories) {
        if (inside === hidden || inside.startsWith(`${hidden}/`)) this.#hiddenDirectories.delete(hidden)
      }
      await this.#fs.makeDirectory(path)
    })
  }

  async removeDirectory(path: string): Promise<void> {
    const inside = this.#inside(path)
    if (inside === undefined) return this.#fs.removeDirectory(path)
    await this.#alone(async () => {
      const seen = await this.list(path)
      const isEmpty = (await this.#fs.list(path)).length === 0
      if (seen.length > 0 || isEmpty) await this.#fs.removeDirectory(path)
      else this.#hiddenDirectories.add(inside)
    })
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#fs.syncDirectory(path)
  }

  /** Commits, then renames the manifest. */
  async #publish(from: string, to: string): Promise<void> {
    try {
      const changes = this.#files.changes({ from, to }, isTemporary)
      await this.#keeper.commit(changes)
      await this.#fs.rename(this.#path(from), this.#path(to))
      this.#files.moved(from, to, this.#files.at(from)?.size ?? 0)
      const gone = this.#files.committed(changes)
      await this.#removeHidden(gone)
      await this.#keeper.completed()
    } catch (error) {
      this.fail(commitUnknown(error))
      throw this.#failure!.error
    }
  }

  /** Removes what the job has removed before. */
  async #removeHidden(gone: readonly string[]): Promise<void> {
    for (const path of gone) {
      if ((await this.#fs.stat(this.#path(path))) !== undefined) await this.#fs.remove(this.#path(path))
    }
    const deepestFirst = [...this.#hiddenDirectories].toSorted((a, b) => b.length - a.length)
    for (const directory of deepestFirst) {
      const path = this.#path(directory)
      this.#hiddenDirectories.delete(directory)
      const isThere = (await this.#fs.stat(path)) !== undefined
      if (isThere && (await this.#fs.list(path)).length === 0) await this.#fs.removeDirectory(path)
    }
  }

  async #move(from: string, to: string): Promise<void> {
    const [source, target] = [this.#path(from), this.#path(to)]
    const isReplaced = this.#files.hidden.has(to) || this.#files.isCommitted(to)
    if (isReplaced) await this.#keeper.doubt()
    const size = (await this.#fs.stat(source))?.size ?? 0
    if (!this.#files.isCommitted(from)) {
      await this.#fs.rename(source, target)
      this.#files.moved(from, to, size)
      return
    }
    if ((this.#files.at(from)?.writers ?? 0) > 0) {
      // The handle must write to the file with the new name, so the old name cannot stay.
      if (!isReplaced) await this.#keeper.doubt()
      await this.#fs.rename(source, target)
      this.#files.moved(from, to, size)
      return
    }
    // The file with the old name stays until its removal is committed.
    const copy = `${target}.copy.tmp`
    await removeIfThere(this.#fs, copy)
    await copyFile(this.#fs, source, copy)
    await this.#fs.rename(copy, target)
    this.#files.removed(from)
    this.#files.unhide(to)
    this.#files.created(to, size)
  }

  /** Removes the hidden file of a path, so that the job can create another one there. */
  async #replaceHidden(path: string): Promise<void> {
    if (!this.#files.hidden.has(path)) return
    await this.#keeper.doubt()
    if ((await this.#fs.stat(this.#path(path))) !== undefined) await this.#fs.remove(this.#path(path))
    this.#files.unhide(path)
  }

  async #cut(file: TrackedFile, size: number, cut: () => Promise<void>): Promise<void> {
    if (file.sent !== undefined && size < file.sent.bytes) {
      await this.#keeper.doubt()
      file.sent = undefined
    }
    await cut()
  }

  /** Makes a change after those before it. */
  async #alone(change: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(() => {
      this.requireSound()
      return change()
    })
    this.#changing = changed.catch(() => {})
    await changed
  }

  #isHidden(path: string): boolean {
    return this.#files.hidden.has(path) || this.#isHiddenDirectory(path)
  }

  #isHiddenDirectory(path: string): boolean {
    for (const hidden of this.#hiddenDirectories) {
      if (path === hidden || path.startsWith(`${hidden}/`)) return true
    }
    return false
  }

  #inside(path: string): string | undefined {
    return path.startsWith(this.#root) ? path.slice(this.#root.length) : undefined
  }

  #path(inside: string): string {
    return `${this.#root}${inside}`
  }
}

/** Whether a file is about to be renamed to its name. Such files are not replicated. */
function isTemporary(path: string): boolean {
  return path.endsWith('.tmp') || path.endsWith('.not-durable')
}

function notFound(path: string): MillraceError {
  return new MillraceError('FS_NOT_FOUND', `${path}: there is no such file or directory; check the path`)
}

/** The error for a commit that has failed. The lease must be opened again, which decides whether it was made. */
function commitUnknown(cause: unknown): MillraceError {
  if (isMillraceError(cause) && cause.isFinal) return cause
  return new MillraceError(
    'COMMIT_UNKNOWN',
    `the transaction of a checkpoint has failed: ${describeError(cause)}. The lease is opened again, which decides whether it was committed`,
    { cause, isFinal: true },
  )
}
