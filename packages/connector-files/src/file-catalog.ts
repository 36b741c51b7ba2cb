import type { ConnectorContext } from '@millrace/core'
import type { PathPattern } from './path-pattern.ts'

/** A file where it was found. */
export interface FoundFile {
  readonly path: string
  readonly identity: string
  readonly size: number
  readonly modifiedMs: number
  /** Whether it stands where the patterns look, and not only beside. */
  readonly isMatch: boolean
}

/** Which files there are, by identity. A file keeps its identity when it is renamed, and so does its split. */
export class FileCatalog {
  readonly #patterns: readonly PathPattern[]
  /** Where files that match were last seen. Only hints: they may have been renamed since. */
  #paths = new Map<string, string>()

  constructor(patterns: readonly PathPattern[]) {
    this.#patterns = patterns
  }

  /** The files that match, by path. One that has several names is found once, under the first. */
  async list(context: ConnectorContext): Promise<FoundFile[]> {
    const paths = new Set<string>()
    for (const pattern of this.#patterns) {
      await pattern.walk(context.fs, async ({ path, isMatch }) => {
        if (isMatch) paths.add(path)
      })
    }
    const files = new Map<string, FoundFile>()
    for (const path of [...paths].sort()) {
      const file = await fileAt(path, true, context)
      if (file !== undefined && !files.has(file.identity)) files.set(file.identity, file)
    }
    this.#paths = new Map(Array.from(files.values(), ({ identity, path }) => [identity, path]))
    return [...files.values()]
  }

  /** Where the file is now: still at `path`, where it was last seen, or anywhere in the patterns' directories. */
  async find(identity: string, context: ConnectorContext, path?: string): Promise<FoundFile | undefined> {
    for (const hint of [path, this.#paths.get(identity)]) {
      const file = hint === undefined ? undefined : await fileAt(hint, true, context)
      if (file?.identity === identity) return file
    }
    return (await this.#lookAround((file) => file.identity === identity, context))[0]
  }

  /**
   * The paths of files that nobody asked for, whose names begin with `path`, and which were written to after `file`,
   * which once had that path. A log that was rotated more than once looks like this.
   */
  async newerBeside(file: FoundFile, path: string, context: ConnectorContext): Promise<readonly string[]> {
    const isNewer = (each: FoundFile): boolean =>
      !each.isMatch && each.path.startsWith(path) && each.modifiedMs > file.modifiedMs
    return (await this.#lookAround(isNewer, context)).map((each) => each.path)
  }

  async #lookAround(
    isWanted: (file: FoundFile) => boolean,
    context: ConnectorContext,
  ): Promise<readonly FoundFile[]> {
    const found: FoundFile[] = []
    for (const pattern of this.#patterns) {
      await pattern.walk(context.fs, async (met) => {
        const file = await fileAt(met.path, met.isMatch, context)
        if (file !== undefined && isWanted(file)) found.push(file)
      })
    }
    return found
  }
}

async function fileAt(
  path: string,
  isMatch: boolean,
  { fs }: ConnectorContext,
): Promise<FoundFile | undefined> {
  const stat = await fs.stat(path)
  if (stat?.kind !== 'file') return undefined
  const { identity, size, modifiedMs } = stat
  return { path, identity, size, modifiedMs, isMatch }
}
