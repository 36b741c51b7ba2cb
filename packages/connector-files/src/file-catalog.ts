import { isMillraceError, MillraceError, type ConnectorContext } from '@millrace/core'
import { Exclusion, type MetFile, type PathPattern } from './path-pattern.ts'

/** A file where it was found. */
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

/** What the identity of a pipe begins with; its path follows. Only pipes that are named are read. */
export const pipePrefix = 'pipe:'

/** Which files to look at. */
export interface CatalogOptions {
  readonly patterns: readonly PathPattern[]
  /** Where files are kept that were renamed or copied there. */
  readonly archives?: readonly PathPattern[] | undefined
  readonly exclude?: string | readonly string[] | undefined
  /** Files that were not written to for longer are not listed. */
  readonly ignoreOlderMs?: number | undefined
}

const matched = { isMatch: true, isArchived: false } as const

/** Which files there are, by identity. A file keeps its identity when it is renamed, and so does its split. */
export class FileCatalog {
  readonly #patterns: readonly PathPattern[]
  readonly #archives: readonly PathPattern[]
  readonly #exclusion: Exclusion
  readonly #ignoreOlderMs: number
  /** Where files that match were last seen. Only hints: they may have been renamed since. */
  #paths = new Map<string, string>()
  /** What the last listing has warned about, so that each entry is reported once. */
  #reported: ReadonlySet<string> = new Set()

  /** Throws `OPTION_INVALID`. */
  constructor({ patterns, archives = [], exclude = [], ignoreOlderMs = Infinity }: CatalogOptions) {
    this.#patterns = patterns
    this.#archives = archives
    this.#exclusion = new Exclusion(exclude)
    this.#ignoreOlderMs = ignoreOlderMs
  }

  /**
   * The files that match, by path. One that has several names is found once, under the first. What a wildcard matched
   * and cannot be read is skipped with a warning.
   */
  async list(context: ConnectorContext): Promise<FoundFile[]> {
    const skips = new Map<string, MillraceError>()
    const named = new Set<string>()
    for (const pattern of this.#patterns) {
      await pattern.walk(context.fs, {
        meet: async ({ path }) => void named.add(path),
        skip: (path, error) => skips.set(path, error),
        isExcluded: (path) => this.#exclusion.excludes(path),
      })
    }
    const files = new Map<string, FoundFile>()
    for (const path of [...named].sort()) {
      const file = await this.#matchAt(path, context, (error) => skips.set(path, error))
      if (file !== undefined && !files.has(file.identity)) files.set(file.identity, file)
    }
    this.#paths = new Map(Array.from(files.values(), ({ identity, path }) => [identity, path]))
    this.#report(skips, context)
    return [...files.values()]
  }

  /** The path that the file had when the files were last listed. */
  lastPath(identity: string): string | undefined {
    return this.#paths.get(identity)
  }

  /**
   * Where the file is now: still at `path`, where it was last seen, anywhere in the patterns' directories, or in an
   * archive.
   */
  async find(identity: string, context: ConnectorContext, path?: string): Promise<FoundFile | undefined> {
    for (const hint of [path, this.#paths.get(identity)]) {
      const file = hint === undefined ? undefined : await fileAt(hint, matched, context)
      if (file?.identity === identity) return file
    }
    return (await this.around(context)).find((file) => file.identity === identity)
  }

  /** Whether the option `exclude` names the path. */
  excludes(path: string): boolean {
    return this.#exclusion.excludes(path)
  }

  /** The files in the patterns' directories and in the archives, by path. */
  async around(context: ConnectorContext): Promise<readonly FoundFile[]> {
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

  /** Undefined for what cannot be read as a file, with the reason, and for a file that is too old. */
  async #matchAt(
    path: string,
    context: ConnectorContext,
    skip: (error: MillraceError) => void,
  ): Promise<FoundFile | undefined> {
    const isNamed = this.#patterns.some((pattern) => pattern.path === path)
    try {
      const stat = await context.fs.stat(path)
      if (stat?.kind === 'file') {
        if (context.clock.now() - stat.modifiedMs > this.#ignoreOlderMs) return undefined
        const { identity, size, modifiedMs } = stat
        return { path, identity, size, modifiedMs, ...matched }
      }
      if (isNamed && stat?.kind === 'other') {
        return { path, identity: `${pipePrefix}${path}`, size: 0, modifiedMs: 0, ...matched }
      }
      if (isNamed) return undefined
      if (stat === undefined) skip(noFile(`${path}: has vanished, or is a link to nothing`))
      else if (stat.kind === 'other') skip(noFile(`${path}: is a pipe, a socket or a device`))
    } catch (error) {
      if (isNamed || !isMillraceError(error)) throw error
      skip(error)
    }
    return undefined
  }

  #report(skips: ReadonlyMap<string, MillraceError>, context: ConnectorContext): void {
    for (const [path, error] of skips) {
      if (!this.#reported.has(path)) context.warn(skipped(error, context))
    }
    this.#reported = new Set(skips.keys())
  }
}

/** The warning about an entry that is skipped: without advice, which is for those who named the entry. */
export function skipped(error: MillraceError, context: ConnectorContext): string {
  return `source ${context.name}: ${error.message.replace(/; [^;]*$/, '')}; it is skipped`
}

function noFile(message: string): MillraceError {
  return new MillraceError('FS_NOT_FOUND', message)
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
