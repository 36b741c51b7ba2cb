import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { FsStat } from '@millrace/core/disk'
import { Exclusion, type MetFile, type PathPattern } from './path-pattern.ts'

/** A file that was found. */
export interface FoundFile {
  readonly path: string
  readonly identity: string
  readonly size: number
  readonly modifiedMs: number
  /** Whether the patterns match its path. */
  readonly isMatch: boolean
  /** Whether it is in the archive. */
  readonly isArchived: boolean
}

/**
 * The identity of a pipe begins with this prefix; its path follows. Pipes are read only if given without
 * wildcards.
 */
export const pipePrefix = 'pipe:'

/** Which files to read. */
export interface CatalogOptions {
  readonly patterns: readonly PathPattern[]
  /** Where rotated files are kept. */
  readonly archives?: readonly PathPattern[] | undefined
  readonly exclude?: string | readonly string[] | undefined
  /** Files not modified for longer are ignored. */
  readonly ignoreOlderMs?: number | undefined
}

/** How many vanished files are remembered until the engine asks which are gone. */
const departedMax = 100_000

const matched = { isMatch: true, isArchived: false } as const

/** Finds files by identity. A renamed file keeps its identity, and so does its split. */
export class FileCatalog {
  readonly #patterns: readonly PathPattern[]
  readonly #archives: readonly PathPattern[]
  readonly #exclusion: Exclusion
  readonly #ignoreOlderMs: number
  /** The files that matched in the last listing. Only hints: they may have been renamed since. */
  #files: ReadonlyMap<string, FoundFile> = new Map()
  /** When the last listing began, on the monotonic clock. */
  #listedAtMs = Number.NEGATIVE_INFINITY
  /** The directories of these files, by path, with the entries of each. */
  #directories: ReadonlyMap<string, string> = new Map()
  /** Files that were listed, and later missing from the same directory. */
  readonly #departed = new Set<string>()
  /** Settles when the current listing of all surroundings has ended. */
  #walking: Promise<void> | undefined
  #nextWalk: Promise<readonly FoundFile[]> | undefined
  /** Paths without wildcards that did not exist at the last listing. */
  missing: ReadonlySet<string> = new Set()
  /** Entries that the last listing has warned about, so that each is reported once. */
  #reported: ReadonlySet<string> = new Set()

  /** Throws `OPTION_INVALID`. */
  constructor({ patterns, archives = [], exclude = [], ignoreOlderMs = Infinity }: CatalogOptions) {
    this.#patterns = patterns
    this.#archives = archives
    this.#exclusion = new Exclusion(exclude)
    this.#ignoreOlderMs = ignoreOlderMs
  }

  /**
   * Lists the matching files by path. A file with several names is listed once, under the first. An entry
   * matched by a wildcard that cannot be read is skipped with a warning.
   */
  async list(context: ConnectorContext): Promise<FoundFile[]> {
    const beganAtMs = context.clock.monotonic()
    const skips = new Map<string, MillraceError>()
    const missing = new Set<string>()
    const files = new Map<string, FoundFile>()
    for (const [path, known] of await this.#named(skips, missing, context)) {
      const file = await this.#matchAt(path, known, context, (error) => skips.set(path, error))
      if (file !== undefined && !files.has(file.identity)) files.set(file.identity, file)
    }
    await this.#noticeDeparted(files, context)
    this.#files = files
    this.#listedAtMs = beganAtMs
    this.missing = missing
    this.#report(skips, context)
    return [...files.values()]
  }

  /** The matching paths, sorted, with stats for those given without wildcards. */
  async #named(
    skips: Map<string, MillraceError>,
    missing: Set<string>,
    context: ConnectorContext,
  ): Promise<readonly (readonly [string, FsStat | undefined])[]> {
    const named = new Map<string, FsStat | undefined>()
    for (const pattern of this.#patterns) {
      const { path } = pattern
      const stat = path === undefined ? undefined : await context.fs.stat(path)
      if (path !== undefined && stat === undefined) missing.add(path)
      if (path !== undefined && stat?.kind !== 'directory') {
        if (stat !== undefined && !this.#exclusion.excludes(path)) named.set(path, stat)
        continue
      }
      await pattern.walk(context.fs, {
        meet: async (file) => void named.set(file.path, undefined),
        skip: (skipped, error) => skips.set(skipped, error),
        isExcluded: (each) => this.#exclusion.excludes(each),
      })
    }
    return [...named].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /**
   * Of the given files, those that will never be listed again: they were removed, or moved outside the
   * searched directories. Only files that vanished from an existing directory count; otherwise an unmounted
   * disk would look like an empty one.
   */
  async gone(identities: readonly string[], context: ConnectorContext): Promise<readonly string[]> {
    if (this.#departed.size === 0) return []
    const around = new Set((await this.around(context)).map(({ identity }) => identity))
    const gone = identities.filter((identity) => this.#departed.has(identity) && !around.has(identity))
    this.#departed.clear()
    return gone
  }

  async #noticeDeparted(files: ReadonlyMap<string, FoundFile>, context: ConnectorContext): Promise<void> {
    const directories = new Map<string, string>()
    const stay = async (directory: string): Promise<boolean> => {
      const before = this.#directories.get(directory)
      return (
        before !== undefined && (await orUndefined(() => context.fs.stat(directory)))?.identity === before
      )
    }
    const stays = new Map<string, boolean>()
    for (const [identity, { path }] of this.#files) {
      if (files.has(identity)) continue
      const directory = directoryOf(path)
      if (!stays.has(directory)) stays.set(directory, await stay(directory))
      // A file that reappears was not gone. This limits how many are remembered.
      if (stays.get(directory) === true && this.#departed.size < departedMax) this.#departed.add(identity)
    }
    for (const { path } of files.values()) {
      const directory = directoryOf(path)
      if (directories.has(directory)) continue
      const stat = await orUndefined(() => context.fs.stat(directory))
      if (stat !== undefined) directories.set(directory, stat.identity)
    }
    for (const identity of files.keys()) this.#departed.delete(identity)
    this.#directories = directories
  }

  /** The path of the file at the last listing. */
  lastPath(identity: string): string | undefined {
    return this.#files.get(identity)?.path
  }

  /** Finds several files. Those listed after `sinceMs` on the monotonic clock are not checked again. */
  finder(
    context: ConnectorContext,
  ): (identity: string, path: string, sinceMs: number) => Promise<FoundFile | undefined> {
    let around: Promise<ReadonlyMap<string, FoundFile>> | undefined
    const findAround = async (): Promise<ReadonlyMap<string, FoundFile>> =>
      new Map((await this.around(context)).map((file) => [file.identity, file]))
    return async (identity, path, sinceMs) => {
      const listed = this.#listedAtMs > sinceMs ? this.#files.get(identity) : undefined
      const file = listed ?? (await this.#at(identity, path, context))
      if (file !== undefined) return file
      around ??= findAround()
      return (await around).get(identity)
    }
  }

  /**
   * Finds a file: still at `path`, where it was last seen, in the patterns' directories, or in an archive.
   */
  async find(identity: string, context: ConnectorContext, path?: string): Promise<FoundFile | undefined> {
    const file = await this.#at(identity, path, context)
    return file ?? (await this.around(context)).find((each) => each.identity === identity)
  }

  async #at(
    identity: string,
    path: string | undefined,
    context: ConnectorContext,
  ): Promise<FoundFile | undefined> {
    for (const hint of new Set([path, this.lastPath(identity)])) {
      const file = hint === undefined ? undefined : await fileAt(hint, matched, context)
      if (file?.identity === identity) return file
    }
    return undefined
  }

  /** Whether the option `exclude` matches the path. */
  excludes(path: string): boolean {
    return this.#exclusion.excludes(path)
  }

  /**
   * The files in the patterns' directories and in the archives, by path. Concurrent callers share the next
   * listing: hundreds of logs may be rotated at once.
   */
  around(context: ConnectorContext): Promise<readonly FoundFile[]> {
    if (this.#walking === undefined) return this.#walk(context)
    this.#nextWalk ??= this.#walking.then(() => {
      this.#nextWalk = undefined
      return this.#walk(context)
    })
    return this.#nextWalk
  }

  #walk(context: ConnectorContext): Promise<readonly FoundFile[]> {
    const files = this.#listAround(context)
    const walking = files.then(noResult, noResult).then(() => {
      if (this.#walking === walking) this.#walking = undefined
    })
    this.#walking = walking
    return files
  }

  async #listAround(context: ConnectorContext): Promise<readonly FoundFile[]> {
    const met = new Map<string, Pick<FoundFile, 'isMatch' | 'isArchived'>>()
    const visitor = (isArchived: boolean) => ({
      meet: async ({ path, isMatch }: MetFile) => {
        const before = met.get(path)
        met.set(path, {
          isMatch: before?.isMatch === true || (isMatch && !isArchived),
          isArchived: before?.isArchived === true || isArchived,
        })
      },
      skip: () => {},
      isExcluded: (path: string) => !isArchived && this.#exclusion.excludes(path),
    })
    for (const pattern of this.#patterns) await pattern.walk(context.fs, visitor(false), 'neighbors')
    for (const pattern of this.#archives) await pattern.walk(context.fs, visitor(true))
    const files: FoundFile[] = []
    for (const [path, how] of met) {
      const file = await orUndefined(() => fileAt(path, how, context))
      if (file !== undefined) files.push(file)
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Undefined with a reason if it cannot be read as a file; undefined if it is too old. */
  async #matchAt(
    path: string,
    known: FsStat | undefined,
    context: ConnectorContext,
    skip: (error: MillraceError) => void,
  ): Promise<FoundFile | undefined> {
    const isNamed = known !== undefined
    try {
      const stat = known ?? (await context.fs.stat(path))
      if (stat?.kind === 'file') {
        if (context.clock.now() - stat.modifiedMs > this.#ignoreOlderMs) return undefined
        const { identity, size, modifiedMs } = stat
        return { path, identity, size, modifiedMs, ...matched }
      }
      if (isNamed && stat?.kind === 'other') {
        return { path, identity: `${pipePrefix}${path}`, size: 0, modifiedMs: 0, ...matched }
      }
      if (isNamed) return undefined
      if (stat === undefined) skip(noFile(`${path}: has vanished, or is a broken link`))
      else if (stat.kind === 'other') skip(noFile(`${path}: is a pipe, a socket or a device`))
    } catch (error) {
      if (isNamed || !isMillraceError(error)) throw error
      skip(error)
    }
    return undefined
  }

  #report(skips: ReadonlyMap<string, MillraceError>, context: ConnectorContext): void {
    for (const [path, error] of skips) {
      if (!this.#reported.has(path)) context.warn(skipped(error))
    }
    this.#reported = new Set(skips.keys())
  }
}

/** Warns that an entry is skipped. The advice is omitted: it is for a path that the user gave. */
export function skipped(error: MillraceError): string {
  return `${error.message.replace(/; [^;]*$/, '')}; it is skipped`
}

function noResult(): void {}

function noFile(message: string): MillraceError {
  return new MillraceError('FS_NOT_FOUND', message)
}

function directoryOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end > 0 ? path.slice(0, end) : end === 0 ? '/' : '.'
}

async function orUndefined<R>(ask: () => Promise<R>): Promise<R | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isMillraceError(error)) return undefined
    throw error
  }
}

async function fileAt(
  path: string,
  how: Pick<FoundFile, 'isMatch' | 'isArchived'>,
  { fs }: ConnectorContext,
): Promise<FoundFile | undefined> {
  const stat = await fs.stat(path)
  if (stat?.kind !== 'file') return undefined
  const { identity, size, modifiedMs } = stat
  return { path, identity, size, modifiedMs, ...how }
}
