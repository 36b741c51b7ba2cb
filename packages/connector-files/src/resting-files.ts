import type { ClosedSplit, ConnectorContext } from '@millrace/core/connector'
import type { FileCatalog } from './file-catalog.ts'
import type { FilePosition } from './position.ts'

/** What was known about a file when it was closed. */
export interface RestingFile {
  readonly path: string
  readonly size: number
  readonly modifiedMs: number
  /**
   * Since when it has been quiet under a name that is not read, on the monotonic clock; undefined if it has
   * its own name.
   */
  readonly movedSince: number | undefined
  /** When that was known, on the monotonic clock. */
  readonly knownAtMs: number
}

/**
 * Closed files that were read to their end: closed so that others could be open, or read by an earlier run.
 * They are checked for more data without opening them.
 */
export class RestingFiles {
  readonly #catalog: FileCatalog
  readonly #settledMs: number
  readonly #files = new Map<string, RestingFile>()

  constructor(catalog: FileCatalog, settledMs: number) {
    this.#catalog = catalog
    this.#settledMs = settledMs
  }

  /** Adds a closed file that was read to its end. */
  add(identity: string, file: RestingFile): void {
    this.#files.set(identity, file)
  }

  /** Removes a file that is opened again, and returns what was known about it. */
  take(identity: string): RestingFile | undefined {
    const file = this.#files.get(identity)
    this.#files.delete(identity)
    return file
  }

  /** The files that may have more data, or that have ended. */
  async changed(
    splits: readonly ClosedSplit<FilePosition>[],
    context: ConnectorContext,
  ): Promise<readonly string[]> {
    const changed: string[] = []
    const finder = this.#catalog.finder(context)
    for (const { split, position } of splits) {
      const before = this.#files.get(split) ?? ended(position)
      if (before === undefined || (await this.#hasChanged(split, before, finder, context)))
        changed.push(split)
    }
    return changed
  }

  async #hasChanged(
    identity: string,
    before: RestingFile,
    find: ReturnType<FileCatalog['finder']>,
    context: ConnectorContext,
  ): Promise<boolean> {
    const found = await find(identity, before.path, before.knownAtMs)
    if (found === undefined) return true
    if (found.size !== before.size || found.modifiedMs !== before.modifiedMs) return true
    if (found.path === before.path && before.movedSince === undefined) return false
    const now = context.clock.monotonic()
    const movedSince = before.movedSince ?? now
    this.#files.set(identity, { ...before, path: found.path, movedSince })
    return now - movedSince >= this.#settledMs
  }
}

/**
 * What an earlier run knew about a file that it had read to its end. The size of a gzip file is not in its
 * position.
 */
function ended(position: FilePosition | undefined): RestingFile | undefined {
  if (position?.hasEnded !== true || position.path.endsWith('.gz')) return undefined
  const { path, offset: size, modifiedMs } = position
  return { path, size, modifiedMs, movedSince: undefined, knownAtMs: Number.NEGATIVE_INFINITY }
}
