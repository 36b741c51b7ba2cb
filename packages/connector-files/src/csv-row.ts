/** Rows of comma-separated values (RFC 4180): parses a row to fields and formats fields as a row. */
import { MillraceError } from '@millrace/core'

const quote = '"'

/** The characters that separate and quote fields. */
export interface CsvDialect {
  readonly separator: string
  /** Empty if no field is quoted. */
  readonly quote: string
  /** The character that escapes a quote inside a quoted field: the quote itself, or another character. */
  readonly escape: string
}

/** The fields of a row. Throws `DECODE_FAILED` for misplaced quotes. */
export function fieldsOf(row: string, dialect: CsvDialect): string[] {
  const { quote: mark, separator } = dialect
  return mark !== '' && row.includes(mark) ? quotedFields(row, dialect) : plainFields(row, separator)
}

/** The same as `split`, in two thirds of its time. */
function plainFields(row: string, separator: string): string[] {
  const fields: string[] = []
  let at = 0
  for (let end = row.indexOf(separator); end !== -1; end = row.indexOf(separator, at)) {
    fields.push(row.slice(at, end))
    at = end + 1
  }
  fields.push(row.slice(at))
  return fields
}

function quotedFields(row: string, dialect: CsvDialect): string[] {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const isQuoted = row[at] === dialect.quote
    const end = isQuoted ? endOfQuoted(row, at, dialect) + 1 : endOfPlain(row, at, dialect)
    fields.push(isQuoted ? unescaped(row.slice(at + 1, end - 1), dialect) : row.slice(at, end))
    if (end === row.length) return fields
    if (row[end] !== dialect.separator) throw misplaced('text follows a closing quote', fields.length)
    at = end + 1
  }
}

function endOfQuoted(row: string, start: number, { quote: mark, escape }: CsvDialect): number {
  let end = row.indexOf(mark, start + 1)
  if (escape === mark) while (end !== -1 && row[end + 1] === mark) end = row.indexOf(mark, end + 2)
  else while (end !== -1 && isEscaped(row, end, escape)) end = row.indexOf(mark, end + 1)
  if (end === -1) throw new MillraceError('DECODE_FAILED', 'a quote is opened and never closed; close it')
  return end
}

/** Whether an odd number of escapes precede the character: a pair of them is one ordinary character. */
function isEscaped(row: string, at: number, escape: string): boolean {
  let first = at
  while (row[first - 1] === escape) first--
  return (at - first) % 2 === 1
}

function unescaped(text: string, { quote: mark, escape }: CsvDialect): string {
  if (escape === mark) return text.replaceAll(mark + mark, mark)
  return text.includes(escape)
    ? text
        .split(escape + escape)
        .map((part) => part.replaceAll(escape, ''))
        .join(escape)
    : text
}

function endOfPlain(row: string, start: number, { separator, quote: mark }: CsvDialect): number {
  const found = row.indexOf(separator, start)
  const end = found === -1 ? row.length : found
  const stray = row.indexOf(mark, start)
  if (stray === -1 || stray >= end) return end
  throw misplaced('a quote is inside an unquoted field', 0)
}

function misplaced(what: string, fields: number): MillraceError {
  const where = fields === 0 ? '' : ` of field ${fields}`
  return new MillraceError(
    'DECODE_FAILED',
    `${what}${where}; quote the whole field and escape the quotes in it, or set quote: '' if no field is quoted`,
  )
}

/**
 * The first row of a text without its line feed, or undefined if it is incomplete. Quoted line feeds do not
 * end it.
 */
export function firstRow(text: string): string | undefined {
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === quote) isQuoted = !isQuoted
    else if (text[at] === '\n' && !isQuoted) return text.slice(0, at)
  }
  return undefined
}

/** The text of a row, with its line ending. A row that would be an empty line is written as an empty quoted field. */
export function rowOf(fields: readonly string[], separator: string): string {
  const row = fields.map((field) => quoted(field, separator)).join(separator)
  return row === '' ? '""\n' : `${row}\n`
}

function quoted(field: string, separator: string): string {
  const isPlain = !/["\n\r]|^\s|\s$/.test(field) && !field.includes(separator)
  return isPlain ? field : `"${field.replaceAll(quote, '""')}"`
}

/** Validates the option `separator`: one character that is not a quote or a line end. */
export function separatorOf(separator: string | undefined): string {
  return separator === undefined ? ',' : characterOf('separator', separator, quote)
}

/** Validates the options of the dialect. Throws `OPTION_INVALID`. */
export function dialectOf(options: Partial<CsvDialect>): CsvDialect {
  const { separator = ',', quote: mark = quote, escape = mark } = options
  if (mark !== '') characterOf('quote', mark, separator)
  if (escape !== mark) characterOf('escape', escape, separator)
  return { separator: characterOf('separator', separator, mark), quote: mark, escape }
}

/** Validates an option: one ASCII character other than a line end and `other`. Throws `OPTION_INVALID`. */
export function characterOf(option: string, value: string, other: string): string {
  if (/^[^\r\n\u0080-\uffff]$/.test(value) && value !== other) return value
  const not = other === '' ? 'a line end' : `a line end or ${other}`
  throw new MillraceError(
    'OPTION_INVALID',
    `${option} is ${JSON.stringify(value)}; give one ASCII character other than ${not}`,
  )
}
