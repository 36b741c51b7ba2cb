import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Piece } from './chunk.ts'
import { pipePrefix, skipped, type FileCatalog, type FoundFile } from './file-catalog.ts'
import { contentOf } from './file-content.ts'
import type { Provenance } from './harvest.ts'
import type { LogHistory } from './log-history.ts'
import { CopySearch } from './lost-content.ts'
import { MissedContent } from './missed-content.ts'
import { pause } from './pause.ts'
import { openPipe } from './pipe.ts'
import { fromStart, fingerprintBytes, type FilePosition } from './position.ts'
import type { RawContent } from './raw-content.ts'
import { RawFile, type OpenedFile } from './raw-file.ts'
import { RawPipe } from './raw-pipe.ts'
import type { ReadPlan } from './read-options.ts'
import type { RestingFile } from './resting-files.ts'
import { isUtf16 } from './text-format.ts'
import { WatchedLog } from './watched-log.ts'
import { fromUtf16 } from './utf16.ts'

/** The inputs for opening a split. */
export interface OpeningTools {
  /** With `follow` false in a bounded job. */
  readonly plan: ReadPlan
  readonly catalog: FileCatalog
  readonly history: LogHistory
  /** How many bytes were read from each unfinished pipe, by split. */
  readonly taken: Map<string, number>
  /** What was known about the file when it was closed, if it was opened before in this run. */
  readonly rested: RestingFile | undefined
  readonly context: ConnectorContext
  readonly stopped: AbortSignal
}

/** An open split. */
export interface OpenedSplit {
  readonly start: FilePosition
  readonly pieces: AsyncGenerator<Piece>
  readonly provenance: Provenance
  /** Whether it cannot be read again. */
  readonly isReadOnce: boolean
  /** Whether its file is missing. */
  readonly isGone: boolean
}

type Begun = Pick<OpenedSplit, 'start' | 'pieces' | 'isGone'>

/** Opens one split: finds its file, and decides what to read if the file is missing or not readable. */
export class FileOpening {
  readonly stopped: AbortSignal
  readonly #tools: OpeningTools
  readonly #lost: CopySearch
  readonly #missed: MissedContent
  #raw: RawContent | undefined

  constructor(tools: OpeningTools) {
    this.stopped = tools.stopped
    this.#tools = tools
    this.#lost = new CopySearch(tools)
    this.#missed = new MissedContent(tools)
  }

  /** What is known about the file; undefined if it cannot be reopened. */
  /** The known size of the content; undefined for pipes and packed files. */
  get plainSize(): number | undefined {
    return this.#raw instanceof RawFile ? this.#raw.plainSize : undefined
  }

  get resting(): RestingFile | undefined {
    return this.#raw instanceof RawFile ? this.#raw.resting : undefined
  }

  async open(split: string, from: FilePosition | undefined): Promise<OpenedSplit> {
    const isReadOnce = split.startsWith(pipePrefix)
    const { start, pieces, isGone } = await (isReadOnce
      ? this.#openPipe(split, from)
      : this.#openFile(split, from))
    const { encoding } = this.#tools.plan.text
    const path = (): string => this.#raw?.path ?? start.path
    const provenance = {
      source: this.#tools.context.name,
      split,
      get path() {
        return path()
      },
    }
    return {
      start,
      provenance,
      isReadOnce,
      isGone,
      pieces: isUtf16(encoding) ? fromUtf16(pieces, encoding) : pieces,
    }
  }

  async #openFile(split: string, from: FilePosition | undefined): Promise<Begun> {
    if (from !== undefined) {
      this.#tools.history.learn(from.path, from.earlier)
      this.#tools.history.see(from.path, split, from.first, from.modifiedMs)
    }
    const found = await this.#find(split, from)
    if (found === undefined) {
      const start = startAt(from?.path ?? 'unknown', from)
      return { start, pieces: await this.#gone(split, from), isGone: true }
    }
    if (found instanceof MillraceError) {
      const { context, catalog } = this.#tools
      context.warn(skipped(found))
      const start = startAt(catalog.lastPath(split) ?? 'unknown', from)
      return { start, pieces: this.#onceReadable(split, start), isGone: false }
    }
    return { ...this.#begin(found, from), isGone: false }
  }

  #begin(found: OpenedFile, from: FilePosition | undefined): Omit<Begun, 'isGone'> {
    const { history } = this.#tools
    const path = from?.path ?? found.path
    // A new file may have had content that was removed since the previous one was last seen.
    const since = from?.modifiedMs ?? history.modifiedMs(path)
    const earlier = from?.earlier ?? history.earlier(path, found.identity)
    const start = startAt(path, { ...from, modifiedMs: since ?? found.modifiedMs, earlier })
    const isShort = start.first.length < fingerprintBytes && found.modifiedMs !== since
    const isInDoubt = isShort || found.path !== path
    return { start, pieces: this.#read(found, start, isInDoubt ? since : undefined) }
  }

  /**
   * Undefined if the file is missing; an error if it is not readable but that is no reason to stop: a
   * wildcard matched it, and nothing was read of it.
   */
  async #find(
    identity: string,
    from: FilePosition | undefined,
  ): Promise<OpenedFile | MillraceError | undefined> {
    const { plan, catalog, rested, context } = this.#tools
    for (;;) {
      const found = await catalog.find(identity, context, rested?.path ?? from?.path)
      if (found === undefined) return undefined
      let file
      try {
        file = await openFound(found, context)
      } catch (error) {
        const mayWait = from === undefined && isMillraceError(error, 'FS_DENIED')
        if (!mayWait || plan.patterns.some(({ path }) => path === found.path)) throw error
        return error
      }
      if (file === undefined) continue
      // A file found in a searched directory belongs there, whatever its name was before.
      const isRenamed = from !== undefined && from.path !== found.path
      const hasMoved = (isRenamed && !found.isMatch) || rested?.movedSince !== undefined
      return { ...found, file, isLog: !isRenamed, hasMoved, rested }
    }
  }

  /** Content of the log may have been removed since `since`, before it was read. */
  async *#read(opened: OpenedFile, start: FilePosition, since: number | undefined): AsyncGenerator<Piece> {
    const { plan, catalog, history, context, stopped } = this.#tools
    const log = new WatchedLog(start.path, opened.identity, history, this.#missed)
    const raw = new RawFile(opened, plan, { catalog, lost: this.#lost, log, context, stopped })
    this.#raw = raw
    try {
      log.see(start.first, undefined)
      if (since !== undefined) await log.check(since)
      yield* contentOf(raw, start, plan, context)
    } finally {
      await opened.file.close()
    }
  }

  /** Waits until a file is readable. A bounded job does not wait. */
  async *#onceReadable(split: string, start: FilePosition): AsyncGenerator<Piece> {
    const { plan, context, stopped } = this.#tools
    while (plan.follow && !stopped.aborted) {
      yield 'quiet'
      await pause(context.clock, plan.pollMs, stopped)
      const found = await this.#find(split, undefined)
      if (found === undefined) {
        context.warn(`${start.path} vanished; it is skipped`)
        return
      }
      if (found instanceof MillraceError) continue
      yield* this.#read(found, start, undefined)
      return
    }
  }

  /** What to read of a missing file: its rest from a copy, or nothing. */
  async #gone(identity: string, from: FilePosition | undefined): Promise<AsyncGenerator<Piece>> {
    const { plan, catalog, context } = this.#tools
    const seen = catalog.lastPath(identity)
    const isNamed = plan.patterns.some(({ path }) => path === seen)
    if (from === undefined && seen !== undefined && !isNamed) {
      context.warn(`${seen} vanished before it was opened; it is skipped`)
      return noPieces()
    }
    const { path, ...beginning } = from ?? { path: seen ?? `the file ${identity}`, ...fromStart }
    const what = 'is missing, under every name'
    const copy = await this.#lost.find({ ...beginning, path, what, isRead: this.#tools.rested !== undefined })
    if (from !== undefined) await this.#missed.check(path, from.modifiedMs)
    return copy?.pieces() ?? noPieces()
  }

  /** A pipe that was read before has lost that data: the job stops, or continues with new data. */
  async #openPipe(split: string, from: FilePosition | undefined): Promise<Begun> {
    const { plan, taken, context, stopped } = this.#tools
    const path = split.slice(pipePrefix.length)
    const start = startAt(path, from)
    const lost = Math.max(taken.get(split) ?? 0, start.offset)
    const story = `${path} is a pipe, which cannot be read twice`
    if (lost > 0 && plan.ifGone === 'stop') {
      const advice = "start without the checkpoint, or set ifGone: 'skip' to continue with new data"
      throw new MillraceError('SOURCE_FAILED', `${story}; ${lost} bytes of it were read before. ${advice}`, {
        place: `${path} byte ${start.offset}`,
      })
    }
    context.warn(
      lost > 0 ? `${story}; ${lost} bytes of it were read before` : `${story}: a crash loses what was read`,
    )
    const raw = new RawPipe(path, await openPipe(path), start.offset, { ...plan, context, stopped })
    return { start, pieces: this.#readPipe(split, raw, start), isGone: false }
  }

  async *#readPipe(split: string, raw: RawPipe, start: FilePosition): AsyncGenerator<Piece> {
    const { plan, taken, context } = this.#tools
    yield 'quiet'
    for await (const piece of contentOf(raw, start, plan, context)) {
      taken.set(split, raw.taken)
      yield piece
    }
    // The next pipe to be opened is another one.
    if (!raw.isStopped) taken.delete(split)
  }
}

function startAt(path: string, from: Partial<FilePosition> | undefined): FilePosition {
  return { ...fromStart, line: 1, isUnfinished: false, head: null, ...from, path }
}

async function* noPieces(): AsyncGenerator<Piece> {}

/** Undefined if another file has replaced it between finding and opening. */
async function openFound(
  found: FoundFile,
  { fs }: ConnectorContext,
): Promise<OpenedFile['file'] | undefined> {
  try {
    const file = await fs.open(found.path, 'read')
    const stat = await fs.stat(found.path)
    if (stat?.identity === found.identity) return file
    await file.close()
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'FS_NOT_FOUND')) throw error
  }
  return undefined
}
