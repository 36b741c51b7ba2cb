import {
  MillraceError,
  positiveDurationMs,
  type ConnectorContext,
  type Discovery,
  type Duration,
  type Source,
  type SplitReader,
} from '@millrace/core'
import { FileCatalog, type FoundFile } from './file-catalog.ts'
import { contentOf } from './file-content.ts'
import type { Piece } from './feed.ts'
import { FileReader } from './file-reader.ts'
import type { Provenance } from './harvest.ts'
import type { Encoding } from './page.ts'
import { PathPattern } from './path-pattern.ts'
import { fingerprint, type FilePosition } from './position.ts'
import { RawFile, type FollowOptions, type OpenedFile } from './raw-file.ts'
import type { RecordFormat } from './record-decoder.ts'

/** What to read: a file, a directory, a pattern such as `'logs/*.log'`, or several of them. */
export type Paths = string | readonly string[]

/** What all formats can be told about reading. */
export interface ReadOptions {
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
  /** Default `'utf8'`; bytes that are not UTF-8 are a failure of the record, never replaced. */
  readonly encoding?: Encoding
  /** A record of more bytes is a failure and is passed over. Default 16 MiB. */
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
  constructor(paths: Paths, format: RecordFormat<T>, options: ReadOptions) {
    this.#paths = typeof paths === 'string' ? [paths] : paths
    if (this.#paths.length === 0)
      throw new MillraceError('OPTION_INVALID', 'there is no path to read; name one')
    this.#format = format
    this.#options = options
    this.#follow = {
      pollMs: positiveDurationMs(options.pollEvery ?? '200ms', 'pollEvery'),
      settledMs: positiveDurationMs(options.settledAfter ?? '5s', 'settledAfter'),
      chunkBytes: wholeNumber(options.chunkBytes ?? mib / 4, 'chunkBytes'),
    }
    this.#recordBytesMax = wholeNumber(options.recordBytesMax ?? 16 * mib, 'recordBytesMax')
    this.#patterns = this.#paths.map((path) => new PathPattern(path))
    this.#catalog = new FileCatalog(this.#patterns)
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
    const opened = await this.#openFile(split, from, context)
    const start = startOf(opened, from)
    const closing = new AbortController()
    const stopped = AbortSignal.any([context.signal, closing.signal])
    if (opened === undefined) {
      const provenance = { source: context.name, split, path: start.path }
      return this.#reader(noPieces(), start, provenance, closing, stopped)
    }
    const follow = { ...this.#follow, follow: this.#isFollowing(context) }
    const raw = new RawFile(opened, follow, this.#catalog, context, stopped)
    const provenance = {
      source: context.name,
      split,
      get path() {
        return raw.path
      },
    }
    return this.#reader(
      piecesOf(opened, raw, start, follow.chunkBytes, context),
      start,
      provenance,
      closing,
      stopped,
    )
  }

  #reader(
    pieces: AsyncIterable<Piece>,
    from: FilePosition,
    provenance: Provenance,
    closing: AbortController,
    stopped: AbortSignal,
  ): FileReader<T> {
    const options = { from, provenance, recordBytesMax: this.#recordBytesMax }
    return new FileReader(pieces, this.#format, options, closing, stopped)
  }

  #isFollowing(context: ConnectorContext): boolean {
    return this.#options.follow === true && !context.isBounded
  }

  /** Undefined if the file is gone, and that is no reason to stop. */
  async #openFile(
    identity: string,
    from: FilePosition | undefined,
    context: ConnectorContext,
  ): Promise<OpenedFile | undefined> {
    for (;;) {
      const found = await this.#catalog.find(identity, context, from?.path)
      if (found === undefined) return this.#missed(from, context)
      const file = await openFound(found, context)
      if (file === undefined) continue
      const hasMoved = from !== undefined && from.path !== found.path && !found.isMatch
      if (hasMoved) await this.#reportUnseen(found, from.path, context)
      return { ...found, file, hasMoved }
    }
  }

  #missed(from: FilePosition | undefined, context: ConnectorContext): undefined {
    const path = from?.path ?? 'a file that was found a moment ago'
    const read = `had been read up to byte ${from?.offset ?? 0}`
    const story = `source ${context.name}: ${path} is gone, under every name; it ${read}`
    if (from?.isRead === true) context.warn(`${story}, which was all of it then`)
    else if (this.#options.ifGone === 'skip') context.warn(`${story}; what followed is lost`)
    else {
      const advice = "put it back, or set ifGone: 'skip' to go on without the rest"
      throw new MillraceError('SOURCE_FAILED', `${story}; ${advice}`, {
        place: `${path} byte ${from?.offset ?? 0}`,
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
    for (const { text, isLiteral } of this.#patterns) {
      if (files.length > 0 && !isLiteral) continue
      if (isLiteral ? (await context.fs.stat(text)) !== undefined : false) continue
      const story = `source ${context.name}: ${isLiteral ? `there is no ${text}` : `no file matches ${text}`}`
      if (isComplete && isLiteral) throw new MillraceError('FS_NOT_FOUND', `${story}; check the path`)
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
  return { path: path ?? 'unknown', offset: 0, line: 1, check, isRead: false, head: null }
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
