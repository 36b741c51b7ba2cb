import { MillraceError } from '@millrace/core'
import type { ClosedSplit, ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { FileCatalog } from './file-catalog.ts'
import { FileOpening } from './file-opening.ts'
import { FileReader } from './file-reader.ts'
import type { Provenance } from './harvest.ts'
import { LogHistory } from './log-history.ts'
import type { FilePosition } from './position.ts'
import { readPlan, type Paths, type ReadOptions, type ReadPlan } from './read-options.ts'
import { Page } from './page.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'
import { RestingFiles } from './resting-files.ts'
import { isUtf16 } from './text-format.ts'

const closed = new MillraceError('CANCELLED', 'the file was closed')

/**
 * Reads files: each is a split, named by the file's identity, so that renaming a file changes nothing.
 *
 * A followed log that is rotated is read to its end under its new name, and the file that replaces it is a
 * new split.
 */
export class FileSource<T> implements Source<T, FilePosition> {
  readonly kind = 'files'
  readonly durability = 'replayable'
  readonly maxOpenReaders: number
  /** Absent for UTF-16, whose pages are not the bytes of the file. */
  readonly decode?: (raw: Uint8Array) => T
  readonly #plan: ReadPlan
  readonly #decoder: () => RecordDecoder<T>
  readonly #catalog: FileCatalog
  readonly #history = new LogHistory()
  readonly #resting: RestingFiles
  readonly #missing = new Set<string>()
  /** The open splits: where the path of each is known. */
  readonly #open = new Map<string, Provenance>()
  /** How many bytes were read from each unfinished pipe: they cannot be read again. */
  readonly #taken = new Map<string, number>()

  /** Throws `OPTION_INVALID`. */
  constructor(paths: Paths, decoder: () => RecordDecoder<T>, options: ReadOptions) {
    this.#plan = readPlan(paths, options)
    this.#decoder = decoder
    this.maxOpenReaders = this.#plan.maxOpenFiles
    this.#catalog = new FileCatalog(this.#plan)
    this.#resting = new RestingFiles(this.#catalog, this.#plan.settledMs)
    if (!isUtf16(this.#plan.text.encoding)) this.decode = (raw) => this.#decodeOne(raw)
  }

  async discover(context: ConnectorContext): Promise<Discovery> {
    const files = await this.#catalog.list(context)
    const isComplete = !this.#isFollowing(context)
    this.#reportMissing(files.length, isComplete, context)
    return { splits: files.map(({ identity }) => identity), isComplete }
  }

  async open(
    split: string,
    from: FilePosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, FilePosition>> {
    // By hand, because a combined signal costs more than reading a small file.
    const closing = new AbortController()
    const stop = (): void => {
      context.signal.removeEventListener('abort', stop)
      closing.abort(closed)
    }
    if (context.signal.aborted) stop()
    else context.signal.addEventListener('abort', stop, { once: true })
    const follow = this.#isFollowing(context)
    const opening = new FileOpening({
      plan: { ...this.#plan, follow },
      catalog: this.#catalog,
      history: this.#history,
      taken: this.#taken,
      rested: this.#resting.take(split),
      context,
      stopped: closing.signal,
    })
    const opened = await opening.open(split, from)
    this.#open.set(split, opened.provenance)
    const { text, recordBytesMax, lastLine, ifLineGrew } = this.#plan
    const options = {
      from: opened.start,
      provenance: opened.provenance,
      recordBytesMax,
      // A followed file ends when it was moved or removed, and has been quiet since.
      isFinal: opened.isGone || follow,
      leavesLastLine: lastLine === 'leave' && !follow,
      ifLineGrew,
      isReadOnce: opened.isReadOnce,
      plainSize: () => opening.plainSize,
      warn: (message: string) => context.warn(message),
      onClosed: (isRead: boolean) => {
        this.#open.delete(split)
        const { resting } = opening
        if (isRead && follow && resting !== undefined) this.#resting.add(split, resting)
      },
    }
    const format = { ...text, decoder: this.#decoder }
    return new FileReader(opened.pieces, format, options, { stop, stopped: closing.signal })
  }

  changed(
    splits: readonly ClosedSplit<FilePosition>[],
    context: ConnectorContext,
  ): Promise<readonly string[]> {
    return this.#resting.changed(splits, context)
  }

  gone(splits: readonly string[], context: ConnectorContext): Promise<readonly string[]> {
    return this.#catalog.gone(splits, context)
  }

  splitLabel(split: string): string {
    return this.#open.get(split)?.path ?? this.#catalog.lastPath(split) ?? split
  }

  /** Decodes a record outside of its file. A row of CSV needs the option `columns`: its header is not there. */
  #decodeOne(raw: Uint8Array): T {
    const decoder = this.#decoder()
    decoder.begin(null)
    const page = Page.ofRecord(raw, this.#plan.text)
    decoder.end(page, 0)
    const record = decoder.decode(page, 0, raw.length)
    if (record !== noRecord) return record
    throw new MillraceError(
      'DECODE_FAILED',
      'the bytes are no record on their own; for CSV with a header line, set columns',
    )
  }

  #isFollowing(context: ConnectorContext): boolean {
    return this.#plan.follow && !context.isBounded
  }

  /** A missing path without wildcards is a mistake or not created yet; a pattern may match nothing. */
  #reportMissing(count: number, isComplete: boolean, context: ConnectorContext): void {
    for (const { text, path } of this.#plan.patterns) {
      const isNamed = path !== undefined
      if (isNamed ? !this.#catalog.missing.has(path) : count > 0) continue
      const story = isNamed ? `there is no ${text}` : `no file matches ${text}`
      if (isComplete && isNamed) throw new MillraceError('FS_NOT_FOUND', `${story}; check the path`)
      if (this.#missing.has(text)) continue
      this.#missing.add(text)
      context.warn(isComplete ? `${story}; nothing is read` : `${story} yet; waiting for it`)
    }
  }
}
