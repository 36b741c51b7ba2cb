/** What callers say about reading files, and what becomes of it with every default filled in. */
import { MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import { PathPattern } from './path-pattern.ts'
import { requireOneOf, textFormat, type Encoding, type LineEnds, type TextFormat } from './text-format.ts'

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
   * files.readLines('logs/**', { exclude: ['*.gz', 'logs/old'] })
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
   * How long a followed file must have been quiet to count as finished, once it was renamed or removed. Default `'5s'`:
   * programs go on writing to a log for a while after it was renamed.
   */
  readonly settledAfter?: Duration
  /**
   * Where files are kept that a rotation renames or copies away from the paths that are read: paths or patterns. They are
   * searched for the rest of a file that is gone, also in gzip files, and never read for themselves.
   *
   * @example
   * files.readLines('/var/log/app.log', { follow: true, archive: '/var/log/old/app-*' })
   */
  readonly archive?: Paths
  /**
   * What to do about a file that is gone, or was cut, before it was read to its end, and of which there is no copy: stop,
   * or warn and continue without the rest. If the job was down meanwhile, more may have been written than was read.
   * Default `'stop'`, but a source that does not follow only warns about a file that the last run had read to its end.
   */
  readonly ifGone?: 'stop' | 'skip'
  /**
   * What to do about a gzip file that is cut or damaged: stop (the default), or warn and continue without the rest of that
   * file. One that is followed may be written still: it is cut only once it was removed, or renamed and quiet.
   */
  readonly ifDamaged?: 'stop' | 'skip'
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
  /**
   * How many files may be open at a time, in all subtasks together. More are read all the same: those that are quiet, or
   * ahead of the others in event time, are closed and opened again. A followed file that is closed is looked at once a
   * second, and what is written to it and removed with it in between is lost. Pipes stay open and do not count.
   * Default 128.
   */
  readonly maxOpenFiles?: number
}

/** The options with every default filled in. */
export interface ReadPlan {
  readonly patterns: readonly PathPattern[]
  readonly archives: readonly PathPattern[]
  readonly exclude: string | readonly string[]
  readonly ignoreOlderMs: number
  readonly follow: boolean
  readonly pollMs: number
  readonly settledMs: number
  readonly ifGone: 'stop' | 'skip'
  /** Whether a file that is gone is forgotten if the last run had read it to its end. */
  readonly forgetsEnded: boolean
  readonly ifDamaged: 'stop' | 'skip'
  readonly lastLine: 'read' | 'leave'
  readonly ifLineGrew: 'stop' | 'skip'
  readonly text: TextFormat
  readonly recordBytesMax: number
  readonly chunkBytes: number
  readonly maxOpenFiles: number
}

const mib = 1024 * 1024

/** Throws `OPTION_INVALID`. */
export function readPlan(paths: Paths, options: ReadOptions): ReadPlan {
  const patterns = patternsOf(paths)
  if (patterns.length === 0) throw new MillraceError('OPTION_INVALID', 'there is no path to read; name one')
  const { ignoreOlder, ifGone = 'stop', ifDamaged = 'stop', lastLine = 'read', ifLineGrew = 'stop' } = options
  requireOneOf('ifGone', ifGone, ['stop', 'skip'])
  requireOneOf('ifDamaged', ifDamaged, ['stop', 'skip'])
  requireOneOf('lastLine', lastLine, ['read', 'leave'])
  requireOneOf('ifLineGrew', ifLineGrew, ['stop', 'skip'])
  return {
    patterns,
    archives: patternsOf(options.archive ?? []),
    exclude: options.exclude ?? [],
    ignoreOlderMs: ignoreOlder === undefined ? Infinity : positiveDurationMs(ignoreOlder, 'ignoreOlder'),
    follow: options.follow ?? false,
    pollMs: positiveDurationMs(options.pollEvery ?? '200ms', 'pollEvery'),
    settledMs: positiveDurationMs(options.settledAfter ?? '5s', 'settledAfter'),
    ifGone,
    forgetsEnded: options.ifGone === undefined && options.follow !== true,
    ifDamaged,
    lastLine,
    ifLineGrew,
    text: textFormat(options.encoding, options.lineEnds),
    recordBytesMax: wholeNumber(options.recordBytesMax ?? 16 * mib, 'recordBytesMax'),
    chunkBytes: wholeNumber(options.chunkBytes ?? mib / 4, 'chunkBytes'),
    maxOpenFiles: wholeNumber(options.maxOpenFiles ?? 128, 'maxOpenFiles'),
  }
}

function patternsOf(paths: Paths): readonly PathPattern[] {
  return [paths].flat().map((path) => new PathPattern(path))
}

function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${value}; give a whole number above zero`)
}
