import { describeError, MillraceError, type Json, type Source } from '@millrace/core'
import { fieldsOf, separatorOf } from './csv-row.ts'
import { FileSource, type Paths, type ReadOptions } from './file-source.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'

/** A row before `parse`: its fields by the names of their columns. */
export type CsvRow = Readonly<Record<string, string>>

/** How to read comma-separated values. */
export interface ReadCsvOptions<T> extends ReadOptions {
  /** The names of the columns, for files whose first row is no header. */
  readonly columns?: readonly string[]
  /** What stands between fields: one ASCII character. Default `','`. */
  readonly separator?: string
  /** Makes the record of a row, and throws if it is none. Without it the record is the row, all fields text. */
  readonly parse?: (row: CsvRow) => T
}

/**
 * Reads files of comma-separated values (RFC 4180). A record is a row by column names; the names stand in the first
 * row, or in `columns`. Empty lines are passed over.
 *
 * A row with more or fewer fields than there are columns, or with a quote where none may stand, is a failure of that
 * record. A quote that is never closed takes everything up to `recordBytesMax` with it.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * p.from('taxis', readCsv('taxi.csv', { parse: (row) => ({ at: Date.parse(row.timestamp), n: Number(row.value) }) }))
 */
export function readCsv<T = CsvRow>(paths: Paths, options: ReadCsvOptions<T> = {}): Source<T, FilePosition> {
  const { parse = (row) => row as T } = options
  const separator = separatorOf(options.separator)
  const given = options.columns === undefined ? undefined : columnsOf(options.columns, 'OPTION_INVALID')
  const decoder = (): RecordDecoder<T> => new CsvDecoder(separator, given, parse)
  return new FileSource(paths, decoder, options)
}

/** How far the search for the end of a row has come. */
type Place = 'at the start of a field' | 'in a field' | 'in quotes' | 'behind a quote'

class CsvDecoder<T> implements RecordDecoder<T> {
  innerLines = 0
  readonly #separator: string
  readonly #separatorByte: number
  readonly #given: readonly string[] | undefined
  readonly #parse: (row: CsvRow) => T
  #columns: readonly string[] | undefined
  /** Why the header cannot be used. Without it no row can be. */
  #fault: string | undefined
  /** The next quote at or behind where `end` looked last, on the page it looked at; Infinity for none. */
  #quoteAt = -1
  #quotePage: Page | undefined
  /** Where in a row that goes on on the next page the search stopped, relative to its start. */
  #searched = 0
  #place: Place = 'at the start of a field'

  constructor(separator: string, given: readonly string[] | undefined, parse: (row: CsvRow) => T) {
    this.#separator = separator
    this.#separatorByte = separator.charCodeAt(0)
    this.#given = given
    this.#parse = parse
  }

  /** The columns, or what is wrong with them. */
  get head(): Json {
    return this.#fault ?? this.#columns ?? null
  }

  begin(head: Json): void {
    this.#fault = typeof head === 'string' ? head : undefined
    this.#columns = this.#given ?? (Array.isArray(head) ? (head as readonly string[]) : undefined)
    this.#restart()
  }

  end(page: Page, start: number): number {
    if (this.#searched === 0) {
      const end = page.lineEnd(start)
      this.innerLines = 0
      if (this.#nextQuote(page, start) > (end === -1 ? page.bytes.length : end)) return end
    }
    return this.#endOfQuoted(page, start)
  }

  decode(page: Page, start: number, end: number): T | typeof noRecord {
    if (start === end) return noRecord
    const columns = this.#columns
    if (columns === undefined) return this.#decodeHeader(page, start, end)
    const fields = fieldsOf(page.text(start, end), this.#separator)
    if (fields.length !== columns.length) {
      throw new MillraceError(
        'DECODE_FAILED',
        `the row has ${fields.length} fields where there are ${columns.length} columns; mend the row`,
      )
    }
    return this.#parse(rowOfFields(columns, fields))
  }

  #decodeHeader(page: Page, start: number, end: number): typeof noRecord {
    if (this.#fault !== undefined)
      throw new MillraceError('DECODE_FAILED', `the header is unusable: ${this.#fault}`)
    try {
      this.#columns = columnsOf(fieldsOf(page.text(start, end), this.#separator), 'DECODE_FAILED')
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
      const found = page.bytes.indexOf(0x22, start)
      this.#quoteAt = found === -1 ? Number.POSITIVE_INFINITY : found
      this.#quotePage = page
    }
    return this.#quoteAt
  }

  #endOfQuoted(page: Page, start: number): number {
    const { bytes } = page
    let place = this.#place
    let at = start + this.#searched
    for (; at < bytes.length; at++) {
      const byte = bytes[at]
      if (place === 'in quotes') {
        // What follows a carriage return says whether a line ends with it.
        if (byte === 0x0d && at + 1 === bytes.length) break
        if (byte === 0x22) place = 'behind a quote'
        else if (page.isLineEnd(at)) this.innerLines++
      } else if (page.isLineEnd(at)) {
        this.#restart()
        return at
      } else if (byte === this.#separatorByte) place = 'at the start of a field'
      // Also behind a quote: there are two in a row, which stand for one.
      else if (byte === 0x22 && place !== 'in a field') place = 'in quotes'
      else place = 'in a field'
    }
    this.#place = place
    this.#searched = at - start
    return -1
  }
}

function columnsOf(names: readonly string[], code: 'OPTION_INVALID' | 'DECODE_FAILED'): readonly string[] {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new MillraceError(
      code,
      `two columns are called ${JSON.stringify(twice)}; give each a name of its own`,
    )
  }
  return names
}

function rowOfFields(columns: readonly string[], fields: readonly string[]): CsvRow {
  const row: Record<string, string> = {}
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!
    if (column === '__proto__') define(row, column, fields[i]!)
    else row[column] = fields[i]!
  }
  return row
}

/** Plain assignment would set the prototype instead. */
function define(row: object, name: string, value: string): void {
  Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true })
}
