import { describeError, MillraceError, type Json, type Source } from '@millrace/core'
import { characterOf, dialectOf, fieldsOf, type CsvDialect } from './csv-row.ts'
import { FileSource } from './file-source.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'
import { requireOneOf } from './text-format.ts'

/** A row before `parse`: its fields by the names of their columns. */
export type CsvRow = Readonly<Record<string, string>>

/** How to read comma-separated values. */
export interface ReadCsvOptions<T> extends ReadOptions {
  /** The names of the columns, for files whose first row is no header. */
  readonly columns?: readonly string[]
  /** What separates fields: one ASCII character. Default `','`. */
  readonly separator?: string
  /** What encloses fields: one ASCII character. Default `'"'`; `''` if no field is quoted. */
  readonly quote?: string
  /** What makes a quote inside a quoted field an ordinary character, such as `'\\'`. Default: the quote, doubled. */
  readonly escape?: string
  /** Lines that begin with this character are passed over: one ASCII character. Default: there are no such lines. */
  readonly comment?: string
  /**
   * What to do about a row with fewer or more fields than there are columns. Default `'fail'`: it is a failure of that
   * record. `'fit'` fills the missing fields with empty text and leaves surplus ones out of the row; `parse` gets all.
   */
  readonly raggedRows?: 'fail' | 'fit'
  /**
   * What to do about columns of one name. Default `'fail'`: the file cannot be read. `'number'` calls the second `name`
   * `name_2`, and so on.
   */
  readonly duplicateColumns?: 'fail' | 'number'
  /**
   * Makes the record of a row, and throws if it is none. `fields` are the texts in their order. Without it the record is
   * the row, all fields text.
   */
  readonly parse?: (row: CsvRow, fields: readonly string[]) => T
}

/**
 * Reads files of comma-separated values (RFC 4180). A record is a row by column names; the names are in the first
 * row, or in `columns`. Empty lines are passed over.
 *
 * A row with more or fewer fields than there are columns, or with a quote where none may be, is a failure of that
 * record. A quote that is never closed takes everything up to `recordBytesMax` with it.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * p.from('taxis', files.readCsv('taxi.csv', { parse: (row) => ({ time: row.timestamp ?? '', n: Number(row.value) }) }))
 *   .withTimestamps({ timestamp: (taxi) => taxi.time, format: 'yyyy-MM-dd HH:mm:ss', zone: 'America/New_York' })
 */
export function readCsv<T = CsvRow>(paths: Paths, options: ReadCsvOptions<T> = {}): Source<T, FilePosition> {
  const { parse = (row) => row as T, comment, columns, raggedRows, duplicateColumns } = options
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
  }
  return new FileSource(paths, (): RecordDecoder<T> => new CsvDecoder(format), options)
}

/** What a decoder needs to know of the options. */
interface CsvFormat<T> {
  readonly dialect: CsvDialect
  readonly commentByte: number | undefined
  readonly columns: readonly string[] | undefined
  readonly fitsRows: boolean
  readonly numbersColumns: boolean
  readonly parse: (row: CsvRow, fields: readonly string[]) => T
}

/** How far the search for the end of a row has come. */
type Place = 'at the start of a field' | 'in a field' | 'in quotes' | 'behind a quote'

class CsvDecoder<T> implements RecordDecoder<T> {
  innerLines = 0
  readonly #format: CsvFormat<T>
  readonly #separatorByte: number
  /** NaN, which no byte is, if no field is quoted. */
  readonly #quoteByte: number
  readonly #escapeByte: number
  #columns: readonly string[] | undefined
  /** Why the header cannot be used. Without it no row can be. */
  #fault: string | undefined
  /** The next quote at or behind where `end` looked last, on the page it looked at; Infinity for none. */
  #quoteAt = -1
  #quotePage: Page | undefined
  /** Where in a row that goes on on the next page the search stopped, relative to its start. */
  #searched = 0
  #place: Place = 'at the start of a field'

  constructor(format: CsvFormat<T>) {
    this.#format = format
    const { separator, quote, escape } = format.dialect
    this.#separatorByte = separator.charCodeAt(0)
    this.#quoteByte = quote.charCodeAt(0)
    this.#escapeByte = escape.charCodeAt(0)
  }

  /** The columns, or what is wrong with them. */
  get head(): Json {
    return this.#fault ?? this.#columns ?? null
  }

  begin(head: Json): void {
    this.#fault = typeof head === 'string' ? head : undefined
    this.#columns = this.#format.columns ?? (Array.isArray(head) ? (head as readonly string[]) : undefined)
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
    return parse(rowOfFields(columns, fields), fields)
  }

  #decodeHeader(page: Page, start: number, end: number): typeof noRecord {
    if (this.#fault !== undefined)
      throw new MillraceError('DECODE_FAILED', `the header is unusable: ${this.#fault}`)
    try {
      const { dialect, numbersColumns } = this.#format
      const names = fieldsOf(page.text(start, end), dialect)
      this.#columns = columnsOf(names, numbersColumns, 'DECODE_FAILED')
    } catch (fault) {
      this.#fault = describeError(fault)
      throw fault
    }
    return noRecord
  }

  #restart(): void {
    this.#searched = 0
    this.#place = 'at the start of a field'
  }

  /** Looks for the next quote once for all the rows before it. */
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
        // What follows a carriage return says whether a line ends with it.
        if (at + 1 === bytes.length && (byte === 0x0d || (byte === escape && escape !== quote))) break
        if (byte === quote) place = 'behind a quote'
        else if (byte === escape) {
          if (page.isLineEnd(++at)) this.innerLines++
        } else if (page.isLineEnd(at)) this.innerLines++
      } else if (page.isLineEnd(at)) {
        this.#restart()
        return at
      } else if (byte === this.#separatorByte) place = 'at the start of a field'
      // Also behind a quote: there are two in a row, which stand for one.
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

/** Names of which no two are the same; what is the first of its name keeps it. */
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

function rowOfFields(columns: readonly string[], fields: readonly string[]): CsvRow {
  const row: Record<string, string> = {}
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    const field = fields[i] ?? ''
    if (column === '__proto__') define(row, column, field)
    else row[column] = field
  }
  return row
}

/** Plain assignment would set the prototype instead. */
function define(row: object, name: string, value: string): void {
  Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
}
