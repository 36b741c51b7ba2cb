/** The options for reading files, as given and with defaults applied. */
import { MillraceError, positiveDurationMs, type Duration, requireKnown } from '@millrace/core'
import { PathPattern } from './path-pattern.ts'
import { requireOneOf, textFormat, type Encoding, type LineEnds, type TextFormat } from './text-format.ts'

/**
 * What to read: a file, a directory (the files in it), a pattern, or an array of these.
 *
 * In a pattern `*` and `?` match inside a name, `[a-z]` and `[!a-z]` match one character, `{a,b/c}` and
 * `{1..9}` are alternatives, and `**` matches any number of directories; a backslash escapes. Names that
 * begin with a dot match only patterns that write the dot.
 */
export type Paths = string | readonly string[]

/** Options common to all formats. */
export interface ReadOptions {
  /**
   * Paths and patterns that are not read, in the same form as `paths`. A pattern without a slash matches the
   * last name of a path at any depth; a matching directory is not entered.
   *
   * @example
   * files.readLines('logs/**', { exclude: ['*.gz', 'logs/old'] })
   */
  readonly exclude?: string | readonly string[]
  /**
   * Files not modified for this long are ignored until they are modified. Default: every file is read. A file
   * whose reading has begun is read to its end at any age.
   */
  readonly ignoreOlder?: Duration
  /**
   * Whether to wait for more data at the end of the files, and for new files. Default false: the job reads
   * the existing data and ends. A bounded job never follows.
   */
  readonly follow?: boolean
  /**
   * How often a followed file is checked. Default `'200ms'`. Where the system reports changes, as for local files, it is
   * also checked at most 5 ms after each.
   */
  readonly pollEvery?: Duration
  /**
   * How long a renamed or removed file must be quiet to count as finished, when followed. Default `'5s'`:
   * programs continue to write to a log for a while after it was renamed.
   */
  readonly settledAfter?: Duration
  /**
   * Where a rotation keeps old files, outside the paths that are read: paths or patterns. They are searched
   * for the rest of a missing file, also in gzip files, and never read as files of their own.
   *
   * @example
   * files.readLines('/var/log/app.log', { follow: true, archive: '/var/log/old/app-*' })
   */
  readonly archive?: Paths
  /**
   * What to do about a file that is missing or was truncated before it was read to its end, if no copy is
   * found: stop, or warn and continue without the rest. If the job was down meanwhile, more may have been
   * written than was read. Default `'stop'`, but a source that does not follow only warns if the last run had
   * read the file to its end.
   */
  readonly ifGone?: 'stop' | 'skip'
  /**
   * What to do about a truncated or damaged gzip file: stop (the default), or warn and continue without the
   * rest of that file. A followed one may still be written: it counts as truncated only once it was removed,
   * or renamed and quiet.
   */
  readonly ifDamaged?: 'stop' | 'skip'
  /**
   * What a run that does not follow does with a last line without a line end. Default `'read'`: it is a
   * record. `'leave'` leaves it to the next run; use it for files that are still being written.
   */
  readonly lastLine?: 'read' | 'leave'
  /**
   * What to do when a line that was read without its line end, because the file ended there, has grown: stop
   * (the default), or skip the rest of that line with a warning.
   */
  readonly ifLineGrew?: 'stop' | 'skip'
  /**
   * The character encoding: `'utf8'` (the default), `'utf16le'`, `'utf16be'`, `'windows-1252'` or `'latin1'`.
   * Bytes that are invalid in it are a failure of the record, never replaced.
   */
  readonly encoding?: Encoding
  /**
   * What ends a line. Default `'any'`: LF, CRLF or CR, also mixed. With `'lf'` a lone CR is part of the line,
   * as in the output of programs that draw a progress bar.
   */
  readonly lineEnds?: LineEnds
  /**
   * A larger record, in bytes, measured in UTF-8 if the file is UTF-16, is a failure and is skipped. Default
   * 16 MiB.
   */
  readonly recordBytesMax?: number
  /** Bytes per read; two chunks are buffered for each open file. Default 256 KiB. */
  readonly chunkBytes?: number
  /**
   * Maximum number of open files, in all subtasks together. If there are more, files that are quiet or ahead
   * in event time are closed and reopened later. A closed followed file is checked once a second; data that
   * is written to it and removed with it in between is lost. Pipes stay open and do not count. Default 128.
   */
  readonly maxOpenFiles?: number
}

/** The options with defaults applied. */
export interface ReadPlan {
  readonly patterns: readonly PathPattern[]
  readonly archives: readonly PathPattern[]
  readonly exclude: string | readonly string[]
  readonly ignoreOlderMs: number
  readonly follow: boolean
  readonly pollMs: number
  readonly settledMs: number
  readonly ifGone: 'stop' | 'skip'
  /** Whether a missing file is ignored if the last run had read it to its end. */
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

/** Validates options and applies defaults. Throws `OPTION_INVALID`. */
export function readPlan(paths: Paths, options: ReadOptions): ReadPlan {
  const patterns = patternsOf(paths)
  if (patterns.length === 0) throw new MillraceError('OPTION_INVALID', 'no path to read was given; give one')
  requireKnown('a source of files', options, knownOptions)
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

/** Those of every reader of files. */
const knownOptions = [
  'exclude',
  'ignoreOlder',
  'follow',
  'pollEvery',
  'settledAfter',
  'archive',
  'ifGone',
  'ifDamaged',
  'lastLine',
  'ifLineGrew',
  'encoding',
  'lineEnds',
  'recordBytesMax',
  'chunkBytes',
  'maxOpenFiles',
  'schema',
  'parse',
  'columns',
  'separator',
  'quote',
  'escape',
  'comment',
  'raggedRows',
  'duplicateColumns',
]

function patternsOf(paths: Paths): readonly PathPattern[] {
  return [paths].flat().map((path) => new PathPattern(path))
}

function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${value}; give a whole number above zero`)
}
