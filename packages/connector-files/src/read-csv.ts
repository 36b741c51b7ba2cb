import { describeError, MillraceError, type Json } from '@millrace/core'
import { parserOf, recordMaker, type MakeRecord, type Schema, type Source } from '@millrace/core/connector'
import { characterOf, dialectOf, fieldsOf, type CsvDialect } from './csv-row.ts'
import { FileSource } from './file-source.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'
import { requireOneOf } from './text-format.ts'

/** A row before `parse`: its fields by column name. */
export type CsvRow = Readonly<Record<string, string>>

/** Options for reading comma-separated values. */
export interface ReadCsvOptions<T> extends ReadOptions {
  /** The names of the columns, for files whose first row is not a header. */
  readonly columns?: readonly string[]
  /** The character between fields: one ASCII character. Default `','`. */
  readonly separator?: string
  /** The character around fields: one ASCII character. Default `'"'`; `''` if no field is quoted. */
  readonly quote?: string
  /**
   * The character that escapes a quote inside a quoted field, such as `'\\'`. Default: the quote, doubled.
   */
  readonly escape?: string
  /** Lines that begin with this character are skipped: one ASCII character. Default: none. */
  readonly comment?: string
  /**
   * What to do about a row with fewer or more fields than columns. Default `'fail'`: the record is a failure.
   * `'fit'` fills missing fields with empty strings and drops surplus ones from the row; `parse` receives
   * all.
   */
  readonly raggedRows?: 'fail' | 'fit'
  /**
   * What to do about columns with the same name. Default `'fail'`: the file cannot be read. `'number'` names
   * the second `name` `name_2`, and so on.
   */
  readonly duplicateColumns?: 'fail' | 'number'
  /**
   * Converts a row to a record; throw if the row is invalid. `fields` are the strings in order. Without it
   * the record is the row, with strings as values.
   */
  readonly parse?: (row: CsvRow, fields: readonly string[]) => T
  /**
   * The schema of a record, instead of `parse`: it receives the row, and the record type is inferred from it. A row that
   * does not fit is a failure of that record.
   */
  readonly schema?: Schema<T>
}

/**
 * Returns a source that reads files of comma-separated values (RFC 4180). A record is a row by column names;
 * the names are in the first row, or in `columns`. Empty lines are skipped.
 *
 * A row with the wrong number of fields, or with a misplaced quote, is a failure of that record. An unclosed
 * quote consumes everything up to `recordBytesMax`.
 *
 * Throws `OPTION_INVALID` for an invalid path or option.
 *
 * @example
 * p.from('taxis', files.readCsv('taxi.csv', { parse: (row) => ({ time: row.timestamp ?? '', n: Number(row.value) }) }))
 *   .withTimestamps({ timestamp: (taxi) => taxi.time, format: 'yyyy-MM-dd HH:mm:ss', zone: 'America/New_York' })
 */
export function readCsv<T = CsvRow>(paths: Paths, options: ReadCsvOptions<T> = {}): Source<T, FilePosition> {
  const { comment, columns, raggedRows, duplicateColumns } = options
  const parse = rowParserOf(options)
  const dialect = dialectOf(options)
  requireOneOf('raggedRows', raggedRows ?? 'fail', ['fail', 'fit'])
  requireOneOf('duplicateColumns', duplicateColumns ?? 'fail', ['fail', 'number'])
  const numbers = duplicateColumns === 'number'
  const format: CsvFormat<T> = {
    dialect,
    commentByte:
      comment === undefined ? undefined : characterOf('comment', comment, dialect.quote).charCodeAt(0),
    columns: columns === undefined ? undefined : columnsOf(columns, numbers, 'OPTION_INVALID'),
    fitsRows: raggedRows === 'fit',
    numbersColumns: numbers,
    parse,
    maker: new RowMaker(),
  }
  return new FileSource(paths, (): RecordDecoder<T> => new CsvDecoder(format), options)
}

function rowParserOf<T>({ parse, schema }: ReadCsvOptions<T>): (row: CsvRow, fields: readonly string[]) => T {
  if (parse === undefined) return parserOf(schema)
  if (schema === undefined) return parse
  throw new MillraceError(
    'OPTION_INVALID',
    'files.readCsv: both `parse` and `schema` are given; use one of them',
  )
}

/** The options that a decoder uses. */
interface CsvFormat<T> {
  readonly dialect: CsvDialect
  readonly commentByte: number | undefined
  readonly columns: readonly string[] | undefined
  readonly fitsRows: boolean
  readonly numbersColumns: boolean
  readonly parse: (row: CsvRow, fields: readonly string[]) => T
  readonly maker: RowMaker
}

/** Makes rows. The files of a source usually have the same columns, for which it compiles once. */
class RowMaker {
  #columns: readonly string[] = []
  #make: MakeRecord<string> = recordMaker([])

  of(columns: readonly string[]): MakeRecord<string> {
    const isSame =
      columns.length === this.#columns.length && columns.every((name, i) => name === this.#columns[i])
    if (!isSame) {
      this.#columns = columns
      this.#make = recordMaker(columns)
    }
    return this.#make
  }
}

/** The state of the search for the end of a row. */
type Place = 'at the start of a field' | 'in a field' | 'in quotes' | 'behind a quote'

class CsvDecoder<T> implements RecordDecoder<T> {
  innerLines = 0
  readonly #format: CsvFormat<T>
  readonly #separatorByte: number
  /** NaN, which equals no byte, if no field is quoted. */
  readonly #quoteByte: number
  readonly #escapeByte: number
  #columns: readonly string[] | undefined
  /** Makes rows of `#columns`. */
  #row: MakeRecord<string> = recordMaker([])
  /** Why the header cannot be used. Without it no row can be read. */
  #fault: string | undefined
  /** The next quote at or after the last search position of `end` on its page; Infinity for none. */
  #quoteAt = -1
  #quotePage: Page | undefined
  /** Where the search stopped in a row that continues on the next page, relative to its start. */
  #searched = 0
  #place: Place = 'at the start of a field'

  constructor(format: CsvFormat<T>) {
    this.#format = format
    const { separator, quote, escape } = format.dialect
    this.#separatorByte = separator.charCodeAt(0)
    this.#quoteByte = quote.charCodeAt(0)
    this.#escapeByte = escape.charCodeAt(0)
  }

  /** The columns, or the reason why they are invalid. */
  get head(): Json {
    return this.#fault ?? this.#columns ?? null
  }

  begin(head: Json): void {
    this.#fault = typeof head === 'string' ? head : undefined
    const columns = this.#format.columns ?? (Array.isArray(head) ? (head as readonly string[]) : undefined)
    if (columns === undefined) this.#columns = undefined
    else this.#setColumns(columns)
    this.#restart()
  }

  end(page: Page, start: number): number {
    if (this.#searched === 0) {
      const end = page.lineEnd(start)
      this.innerLines = 0
      if (page.bytes[start] === this.#format.commentByte) return end
      if (this.#nextQuote(page, start) > (end === -1 ? page.bytes.length : end)) return end
    }
    return this.#endOfQuoted(page, start)
  }

  decode(page: Page, start: number, end: number): T | typeof noRecord {
    if (start === end || page.bytes[start] === this.#format.commentByte) return noRecord
    const columns = this.#columns
    if (columns === undefined) return this.#decodeHeader(page, start, end)
    const { dialect, fitsRows, parse } = this.#format
    const fields = fieldsOf(page.text(start, end), dialect)
    if (fields.length !== columns.length && !fitsRows) {
      throw new MillraceError(
        'DECODE_FAILED',
        `the row has ${fields.length} fields where there are ${columns.length} columns; fix the row, or set ` +
          "raggedRows: 'fit'",
      )
    }
    return parse(this.#row(fields, ''), fields)
  }

  #decodeHeader(page: Page, start: number, end: number): typeof noRecord {
    if (this.#fault !== undefined)
      throw new MillraceError('DECODE_FAILED', `the header is unusable: ${this.#fault}`)
    try {
      const { dialect, numbersColumns } = this.#format
      const names = fieldsOf(page.text(start, end), dialect)
      this.#setColumns(columnsOf(names, numbersColumns, 'DECODE_FAILED'))
    } catch (fault) {
      this.#fault = describeError(fault)
      throw fault
    }
    return noRecord
  }

  #setColumns(columns: readonly string[]): void {
    this.#columns = columns
    this.#row = this.#format.maker.of(columns)
  }

  #restart(): void {
    this.#searched = 0
    this.#place = 'at the start of a field'
  }

  /** Finds the next quote once for all rows before it. */
  #nextQuote(page: Page, start: number): number {
    if (this.#quotePage !== page || this.#quoteAt < start) {
      const found = Number.isNaN(this.#quoteByte) ? -1 : page.bytes.indexOf(this.#quoteByte, start)
      this.#quoteAt = found === -1 ? Number.POSITIVE_INFINITY : found
      this.#quotePage = page
    }
    return this.#quoteAt
  }

  #endOfQuoted(page: Page, start: number): number {
    const { bytes } = page
    const [quote, escape] = [this.#quoteByte, this.#escapeByte]
    let place = this.#place
    let at = start + this.#searched
    for (; at < bytes.length; at++) {
      const byte = bytes[at]
      if (place === 'in quotes') {
        // The byte after a carriage return decides whether a line ends with it.
        if (at + 1 === bytes.length && (byte === 0x0d || (byte === escape && escape !== quote))) break
        if (byte === quote) place = 'behind a quote'
        else if (byte === escape) {
          if (page.isLineEnd(++at)) this.innerLines++
        } else if (page.isLineEnd(at)) this.innerLines++
      } else if (page.isLineEnd(at)) {
        this.#restart()
        return at
      } else if (byte === this.#separatorByte) place = 'at the start of a field'
      // Also after a quote: two in a row mean one.
      else if (byte === quote && place !== 'in a field') place = 'in quotes'
      else place = 'in a field'
    }
    this.#place = place
    this.#searched = at - start
    return -1
  }
}

function columnsOf(
  names: readonly string[],
  numbers: boolean,
  code: 'OPTION_INVALID' | 'DECODE_FAILED',
): readonly string[] {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return names
  if (numbers) return numbered(names)
  throw new MillraceError(
    code,
    `two columns are called ${JSON.stringify(twice)}; give each a name of its own, or set duplicateColumns: 'number'`,
  )
}

/** Makes names unique; the first of equal names stays as it is. */
function numbered(names: readonly string[]): readonly string[] {
  const taken = new Set(names)
  const seen = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let number = 2; seen.has(unique) || (unique !== name && taken.has(unique)); number++)
      unique = `${name}_${number}`
    seen.add(unique)
    return unique
  })
}
