import {
  isMillraceError,
  MillraceError,
  positiveDurationMs,
  type ConnectorContext,
  type Discovery,
  type Duration,
  type Source,
  type SplitReader,
} from '@millrace/core'
import type { Piece } from './chunk.ts'
import { FileCatalog, skipped, type FoundFile } from './file-catalog.ts'
import { contentOf } from './file-content.ts'
import { FileReader } from './file-reader.ts'
import { PathPattern } from './path-pattern.ts'
import { pause } from './pause.ts'
import { fingerprint, type FilePosition } from './position.ts'
import { RawFile, type FollowOptions, type OpenedFile } from './raw-file.ts'
import type { RecordDecoder, RecordFormat } from './record-decoder.ts'
import { isUtf16, requireOneOf, textFormat, type Encoding, type LineEnds } from './text-format.ts'
import { fromUtf16 } from './utf16.ts'

/**
 * What to read: a file, a directory (the files in it), a pattern, or several of them.
 *
 * In a pattern `*` and `?` match inside a name, `[a-z]` and `[!a-z]` match one character, `{a,b/c}` and `{1..9}` are
 * alternatives, and `**` matches any number of directories; a backslash escapes. Names that begin with a dot match only
 * patterns that write the dot.
 */
export type Paths = string | readonly string[]

/** Options common to all formats. */
export interface ReadOptions {
  /**
   * Paths and patterns that are not read, written as `paths` are. A pattern without a slash matches the last name of a
   * path at any depth; a directory that matches is not entered.
   *
   * @example
   * readLines('logs/**', { exclude: ['*.gz', 'logs/old'] })
   */
  readonly exclude?: string | readonly string[]
  /**
   * Files that were not written to for longer are not read, until they are written to again. Default: every file is
   * read. A file whose reading has begun is read to its end at any age.
   */
  readonly ignoreOlder?: Duration
  /**
   * Whether to wait for more at the end of the files, and for more files. Default false: what is there is read, and
   * then the job ends. A job that is run bounded follows nothing.
   */
  readonly follow?: boolean
  /** How often a followed file is looked at. Default `'200ms'`. */
  readonly pollEvery?: Duration
  /**
   * How long a followed file must have been quiet to count as finished, once it was renamed or removed, or if it is a
   * gzip file. Default `'5s'`: programs go on writing to a log for a while after it was renamed.
   */
  readonly settledAfter?: Duration
  /**
   * What to do about a file that is gone before it was read to its end: stop, or warn and go on without the rest.
   * Default `'stop'`.
   */
  readonly ifGone?: 'stop' | 'skip'
  /**
   * What a run that does not wait for more does with a last line that has no line end. Default `'read'`: it is a record.
   * `'leave'` leaves it to the next run, which is right for files that are still written.
   */
  readonly lastLine?: 'read' | 'leave'
  /**
   * What to do when a line that was read without its line end, because the file ended there, has grown since: stop (the
   * default), or skip the rest of that line with a warning.
   */
  readonly ifLineGrew?: 'stop' | 'skip'
  /**
   * How bytes stand for characters: `'utf8'` (the default), `'utf16le'`, `'utf16be'`, `'windows-1252'` or `'latin1'`.
   * Bytes that are not in the encoding are a failure of the record, never replaced.
   */
  readonly encoding?: Encoding
  /**
   * What ends a line. Default `'any'`: LF, CRLF or CR, also mixed. With `'lf'` a lone CR is part of the line, as in the
   * output of programs that draw a progress bar.
   */
  readonly lineEnds?: LineEnds
  /** A record of more bytes, in UTF-8 if the file is UTF-16, is a failure and is passed over. Default 16 MiB. */
  readonly recordBytesMax?: number
  /** How many bytes are read at a time; two such chunks are held for each open file. Default 256 KiB. */
  readonly chunkBytes?: number
}

const mib = 1024 * 1024

/**
 * Reads files: each is a split, named by the file's identity, so that renaming a file changes nothing.
 *
 * A followed log that is rotated is read to its end under its new name, and the file that takes its place is
 * a new split.
 */
export class FileSource<T> implements Source<T, FilePosition> {
  readonly kind = 'files'
  readonly durability = 'replayable'
  readonly #paths: readonly string[]
  readonly #format: RecordFormat<T>
  readonly #options: ReadOptions
  readonly #follow: Omit<FollowOptions, 'follow'>
  readonly #recordBytesMax: number
  readonly #patterns: readonly PathPattern[]
  readonly #catalog: FileCatalog
  readonly #missing = new Set<string>()

  /** Throws `OPTION_INVALID`. */
  constructor(paths: Paths, decoder: () => RecordDecoder<T>, options: ReadOptions) {
    this.#paths = typeof paths === 'string' ? [paths] : paths
    if (this.#paths.length === 0)
      throw new MillraceError('OPTION_INVALID', 'there is no path to read; name one')
    requireOneOf('ifGone', options.ifGone ?? 'stop', ['stop', 'skip'])
    requireOneOf('lastLine', options.lastLine ?? 'read', ['read', 'leave'])
    requireOneOf('ifLineGrew', options.ifLineGrew ?? 'stop', ['stop', 'skip'])
    this.#format = { ...textFormat(options.encoding, options.lineEnds), decoder }
    this.#options = options
    this.#follow = {
      pollMs: positiveDurationMs(options.pollEvery ?? '200ms', 'pollEvery'),
      settledMs: positiveDurationMs(options.settledAfter ?? '5s', 'settledAfter'),
      chunkBytes: wholeNumber(options.chunkBytes ?? mib / 4, 'chunkBytes'),
    }
    this.#recordBytesMax = wholeNumber(options.recordBytesMax ?? 16 * mib, 'recordBytesMax')
    this.#patterns = this.#paths.map((path) => new PathPattern(path))
    const { exclude, ignoreOlder } = options
    this.#catalog = new FileCatalog({
      patterns: this.#patterns,
      exclude,
      ignoreOlderMs: ignoreOlder === undefined ? undefined : positiveDurationMs(ignoreOlder, 'ignoreOlder'),
    })
  }

  async discover(context: ConnectorContext): Promise<Discovery> {
    const files = await this.#catalog.list(context)
    const isComplete = !this.#isFollowing(context)
    await this.#reportMissing(files, isComplete, context)
    return { splits: files.map(({ identity }) => identity), isComplete }
  }

  async open(
    split: string,
    from: FilePosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, FilePosition>> {
    const found = await this.#openFile(split, from, context)
    const opened = found instanceof MillraceError ? undefined : found
    const start = startOf(opened, from)
    const closing = new AbortController()
    const stopped = AbortSignal.any([context.signal, closing.signal])
    let raw: RawFile | undefined
    const begin = (file: OpenedFile): AsyncGenerator<Piece> => {
      const follow = { ...this.#follow, follow: this.#isFollowing(context) }
      raw = new RawFile(file, follow, this.#catalog, context, stopped)
      const pieces = piecesOf(file, raw, start, follow.chunkBytes, context)
      const { encoding } = this.#format
      return isUtf16(encoding) ? fromUtf16(pieces, encoding) : pieces
    }
    const provenance = {
      source: context.name,
      split,
      get path() {
        return raw?.path ?? start.path
      },
    }
    const { lastLine = 'read', ifLineGrew = 'stop' } = this.#options
    const options = {
      from: start,
      provenance,
      recordBytesMax: this.#recordBytesMax,
      // A followed file ends when it is gone, or was moved or written as a whole, and has been quiet since.
      isFinal: () => found === undefined || this.#isFollowing(context) || raw?.isOneWhole === true,
      leavesLastLine: lastLine === 'leave' && !this.#isFollowing(context),
      ifLineGrew,
      warn: (message: string) => context.warn(message),
    }
    const later = found === undefined ? noPieces() : this.#onceReadable(split, context, stopped, begin)
    if (found instanceof MillraceError) context.warn(skipped(found, context))
    const pieces = opened === undefined ? later : begin(opened)
    return new FileReader(pieces, this.#format, options, closing, stopped)
  }

  /** Waits until a file may be read. A bounded job does not wait. */
  async *#onceReadable(
    split: string,
    context: ConnectorContext,
    stopped: AbortSignal,
    begin: (file: OpenedFile) => AsyncGenerator<Piece>,
  ): AsyncGenerator<Piece> {
    while (this.#isFollowing(context) && !stopped.aborted) {
      yield 'quiet'
      await pause(context.clock, this.#follow.pollMs, stopped)
      const found = await this.#openFile(split, undefined, context)
      if (found === undefined) return
      if (found instanceof MillraceError) continue
      yield* begin(found)
      return
    }
  }

  #isFollowing(context: ConnectorContext): boolean {
    return this.#options.follow === true && !context.isBounded
  }

  /**
   * Undefined if the file is gone, and that is no reason to stop; an error if it may not be read, and that is none
   * either: a wildcard matched it, and nothing of it was read.
   */
  async #openFile(
    identity: string,
    from: FilePosition | undefined,
    context: ConnectorContext,
  ): Promise<OpenedFile | MillraceError | undefined> {
    for (;;) {
      const found = await this.#catalog.find(identity, context, from?.path)
      if (found === undefined) return this.#missed(identity, from, context)
      let file
      try {
        file = await openFound(found, context)
      } catch (error) {
        const mayWait = from === undefined && isMillraceError(error, 'FS_DENIED')
        if (!mayWait || this.#patterns.some(({ path }) => path === found.path)) throw error
        return error
      }
      if (file === undefined) continue
      const hasMoved = from !== undefined && from.path !== found.path && !found.isMatch
      if (hasMoved) await this.#reportUnseen(found, from.path, context)
      return { ...found, file, hasMoved }
    }
  }

  #missed(identity: string, from: FilePosition | undefined, context: ConnectorContext): undefined {
    const seen = this.#catalog.lastPath(identity)
    if (from === undefined && seen !== undefined && this.#patterns.every(({ path }) => path !== seen)) {
      context.warn(`source ${context.name}: ${seen} vanished before it was opened; it is skipped`)
      return
    }
    const { path = seen ?? `the file ${identity}`, offset = 0 } = from ?? {}
    const story = `source ${context.name}: ${path} is gone, under every name; it had been read up to byte ${offset}`
    if (from?.isRead === true) context.warn(`${story}, which was all of it then`)
    else if (this.#options.ifGone === 'skip') context.warn(`${story}; what followed is lost`)
    else {
      const advice = "put it back, or set ifGone: 'skip' to go on without the rest"
      throw new MillraceError('SOURCE_FAILED', `${story}; ${advice}`, {
        place: `${path} byte ${offset}`,
      })
    }
  }

  /** While the job was down, a file may have come and gone from the path that was asked for. */
  async #reportUnseen(found: FoundFile, home: string, context: ConnectorContext): Promise<void> {
    for (const path of await this.#catalog.newerBeside(found, home, context)) {
      context.warn(
        `source ${context.name}: ${path} is newer than ${found.path} and is not read, though it may have been ${home} ` +
          `while the job was down; read ${home}* to have rotated files read too`,
      )
    }
  }

  /** A path that was written out and is not there is a mistake, or not there yet; a pattern may match nothing. */
  async #reportMissing(
    files: readonly FoundFile[],
    isComplete: boolean,
    context: ConnectorContext,
  ): Promise<void> {
    for (const { text, path } of this.#patterns) {
      const isNamed = path !== undefined
      if (isNamed ? (await context.fs.stat(path)) !== undefined : files.length > 0) continue
      const story = `source ${context.name}: ${isNamed ? `there is no ${text}` : `no file matches ${text}`}`
      if (isComplete && isNamed) throw new MillraceError('FS_NOT_FOUND', `${story}; check the path`)
      if (this.#missing.has(text)) continue
      this.#missing.add(text)
      context.warn(isComplete ? `${story}; nothing is read` : `${story} yet; waiting for it`)
    }
  }
}

/** Where to begin. A file that was found where the patterns look is at home there, whatever it was called before. */
function startOf(opened: OpenedFile | undefined, from: FilePosition | undefined): FilePosition {
  const path = opened === undefined || opened.hasMoved ? from?.path : opened.path
  if (from !== undefined) return { ...from, path: path ?? from.path }
  const check = fingerprint(new Uint8Array(0))
  return {
    path: path ?? 'unknown',
    offset: 0,
    line: 1,
    check,
    isRead: false,
    isUnfinished: false,
    head: null,
  }
}

async function* noPieces(): AsyncGenerator<Piece> {}

async function* piecesOf(
  opened: OpenedFile,
  raw: RawFile,
  from: FilePosition,
  chunkBytes: number,
  context: ConnectorContext,
): AsyncGenerator<Piece> {
  try {
    yield* contentOf(raw, from, chunkBytes, context)
  } finally {
    await opened.file.close()
  }
}

/** Undefined if another file has taken the path between finding and opening. */
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

function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${value}; give a whole number above zero`)
}
