import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Piece } from './chunk.ts'
import type { FileCatalog, FoundFile } from './file-catalog.ts'
import { contentOf } from './file-content.ts'
import { fingerprintBytes } from './position.ts'
import type { Copy, Lost, LostContent } from './raw-content.ts'
import { RawFile, type OpenedFile } from './raw-file.ts'
import type { ReadPlan } from './read-options.ts'

/** What the search for copies needs. */
export interface CopySearchTools {
  readonly plan: Pick<ReadPlan, 'ifGone' | 'forgetsEnded' | 'chunkBytes'>
  readonly catalog: FileCatalog
  readonly context: ConnectorContext
  readonly stopped: AbortSignal
}

/**
 * Searches for a copy of lost content: a rotation may have copied a file before it truncated or removed it,
 * perhaps compressed or to another disk, so that only the content identifies it.
 *
 * A copy begins with the same bytes and has the same bytes before the position. Fewer than `fingerprintBytes`
 * bytes are not enough.
 */
export class CopySearch implements LostContent {
  readonly #catalog: FileCatalog
  readonly #ifGone: 'stop' | 'skip'
  readonly #forgetsEnded: boolean
  readonly #chunkBytes: number
  readonly #context: ConnectorContext
  readonly #stopped: AbortSignal

  constructor({ plan, catalog, context, stopped }: CopySearchTools) {
    this.#catalog = catalog
    this.#ifGone = plan.ifGone
    this.#forgetsEnded = plan.forgetsEnded
    this.#chunkBytes = plan.chunkBytes
    this.#context = context
    this.#stopped = stopped
  }

  async find(lost: Lost): Promise<Copy | undefined> {
    const story = `${lost.path} ${lost.what}; it had been read up to byte ${lost.offset}`
    const found = await this.#copyOf(lost)
    if (found !== undefined && !found.isMatch) {
      this.#context.warn(`${story}, and its rest is read from ${found.path}, which holds the same`)
      return { path: found.path, pieces: () => this.#read(found, lost) }
    }
    if (found !== undefined) {
      this.#context.warn(`${story}; ${found.path} holds the same and is read as a file of its own`)
    } else if (lost.isRead || (lost.hasEnded && this.#forgetsEnded))
      this.#context.warn(`${story}, which was all of it`)
    else if (this.#ifGone === 'skip') this.#context.warn(`${story}; the rest is lost`)
    else {
      const advice =
        "restore it, name the directory of old files with archive, or set ifGone: 'skip' to lose the rest"
      throw new MillraceError('SOURCE_FAILED', `${story}; ${advice}`, {
        place: `${lost.path} byte ${lost.offset}`,
      })
    }
    return undefined
  }

  /** The most recently modified copy, which has the most data. Files that the patterns match come first. */
  async #copyOf(lost: Lost): Promise<FoundFile | undefined> {
    if (lost.first.length < fingerprintBytes) return undefined
    let newest: FoundFile | undefined
    for (const file of await this.#catalog.around(this.#context)) {
      const isBetter =
        newest === undefined ||
        (file.isMatch === newest.isMatch ? file.modifiedMs > newest.modifiedMs : file.isMatch)
      if (isBetter && (await this.#holds(file, lost))) newest = file
    }
    return newest
  }

  async #holds(file: FoundFile, lost: Lost): Promise<boolean> {
    const pieces = this.#read(file, lost)
    try {
      await pieces.next()
      return true
    } catch (error) {
      if (isMillraceError(error)) return false
      throw error
    } finally {
      await pieces.return(undefined)
    }
  }

  /** Reads a copy after the position; rejects if it is not a copy. */
  async *#read(found: FoundFile, lost: Lost): AsyncGenerator<Piece> {
    const context = this.#context
    const file = await context.fs.open(found.path, 'read')
    try {
      const inflate = { chunkBytes: this.#chunkBytes, ifDamaged: 'stop' } as const
      const tools = { catalog: this.#catalog, context, stopped: this.#stopped }
      yield* contentOf(rawCopy({ ...found, file }, this.#chunkBytes, tools), lost, inflate, context)
    } finally {
      await file.close()
    }
  }
}

/** A file without the content is not a copy; the search continues with the next file. */
const noCopy: LostContent = {
  find: ({ path }) => Promise.reject(new MillraceError('SOURCE_FAILED', `${path} holds something else`)),
}

/** The bytes of a file that is not part of a log and is read once. */
export function rawCopy(
  opened: Omit<OpenedFile, 'isLog' | 'hasMoved'>,
  chunkBytes: number,
  tools: Pick<CopySearchTools, 'catalog' | 'context' | 'stopped'>,
): RawFile {
  const options = { follow: false, pollMs: 0, settledMs: 0, chunkBytes }
  return new RawFile({ ...opened, isLog: false, hasMoved: true }, options, {
    ...tools,
    lost: noCopy,
    log: undefined,
  })
}
