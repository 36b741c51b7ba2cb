import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { FileCatalog, FoundFile } from './file-catalog.ts'
import { contentOf } from './file-content.ts'
import type { LogHistory } from './log-history.ts'
import { rawCopy } from './lost-content.ts'
import { fromStart, firstBytesMax, withFirst } from './position.ts'
import type { ReadPlan } from './read-options.ts'

/** Tools to search for unread content of a log. */
export interface MissedContentTools {
  readonly plan: Pick<ReadPlan, 'ifGone' | 'chunkBytes'>
  readonly catalog: FileCatalog
  readonly history: LogHistory
  readonly context: ConnectorContext
  readonly stopped: AbortSignal
}

/**
 * Searches for content of a log that was written and removed between two checks: the log was rotated twice,
 * or copied and truncated twice. Its lines may be in a file next to the log or in the archive.
 *
 * Such a file has a name like the log's, was modified at or after the last check of the log, is not read as a file
 * of its own, and contains neither the current nor any known content of the log. It cannot be proved to
 * belong to the log, so it is never read automatically.
 */
export class MissedContent {
  readonly #tools: MissedContentTools

  constructor(tools: MissedContentTools) {
    this.#tools = tools
  }

  /** Throws `SOURCE_FAILED` if there is such a file, or warns; `since` is the time of the last check. */
  async check(log: string, since: number): Promise<void> {
    const { plan, catalog, history, context } = this.#tools
    const around = await catalog.around(context)
    const current = around.find(({ path }) => path === log)
    for (const file of around) {
      const isYounger = file.modifiedMs >= since && file.size > 0 && file.identity !== current?.identity
      if (!isYounger || file.isMatch || catalog.excludes(file.path) || !isOldName(log, file)) continue
      if (history.knows(file.identity) || (await this.#isKnown(file, current))) continue
      const story =
        `${file.path} was written after ${log} had last been read, and holds something else; ` +
        'it may contain unread lines of that log'
      if (plan.ifGone === 'stop') {
        const advice =
          "add it to the paths to have it read, exclude it if it is of another log, or set ifGone: 'skip' to lose it"
        throw new MillraceError('SOURCE_FAILED', `${story}. ${advice}`, { place: file.path })
      }
      context.warn(`${story}; they are skipped`)
    }
  }

  /** Whether the file contains a known content of a log, or a copy of its current content. */
  async #isKnown(file: FoundFile, current: FoundFile | undefined): Promise<boolean> {
    const first = await this.#firstOf(file)
    if (this.#tools.history.hasHeld(first)) return true
    if (current === undefined) return false
    const now = await this.#firstOf(current)
    // The copy may not be complete.
    return first.length <= now.length && Buffer.compare(first, now.subarray(0, first.length)) === 0
  }

  /** The first bytes of a file's content, inflated if necessary; fewer if it is damaged. */
  async #firstOf(found: FoundFile): Promise<Uint8Array> {
    const { plan, context } = this.#tools
    const { chunkBytes } = plan
    let first: Uint8Array = new Uint8Array(0)
    let file
    try {
      file = await context.fs.open(found.path, 'read')
      const raw = rawCopy({ ...found, file }, chunkBytes, this.#tools)
      for await (const piece of contentOf(raw, fromStart, { chunkBytes, ifDamaged: 'skip' }, context)) {
        if (typeof piece === 'string') continue
        first = withFirst(first, piece.offset, piece.buffer.subarray(piece.start, piece.end))
        if (first.length >= firstBytesMax) break
      }
    } catch (error) {
      if (!isMillraceError(error)) throw error
    } finally {
      await file?.close()
    }
    return first
  }
}

/**
 * Whether the name looks like an old file of the log: `app.log.1`, `app-2024-05-06.log.gz`, `app.log.old`.
 */
function isOldName(log: string, { path, isArchived }: FoundFile): boolean {
  const [name, whole] = [nameOf(path), nameOf(log)]
  const base = whole.replace(/(?<=.)\.[^.]*$/, '')
  const [behindWhole, behindBase] = [whole, base].map((begin) =>
    name.startsWith(begin) ? name.slice(begin.length) : undefined,
  )
  if (isArchived && behindBase !== undefined && !/^[a-z\d]/i.test(behindBase)) return true
  if (behindBase !== undefined && /^[._-]\d/.test(behindBase)) return true
  return behindWhole !== undefined && /^(?:[._-]?\d|[._-]?(?:old|bak|prev)\b|~)/.test(behindWhole)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
