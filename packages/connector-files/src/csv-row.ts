/** Rows of comma-separated values as RFC 4180 has them: how their text becomes fields, and fields text. */
import { MillraceError } from '@millrace/core'

const quote = '"'

/** The fields of a row. Throws `DECODE_FAILED` for quotes that stand where they may not. */
export function fieldsOf(row: string, separator: string): string[] {
  return row.includes(quote) ? quotedFields(row, separator) : row.split(separator)
}

function quotedFields(row: string, separator: string): string[] {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const isQuoted = row[at] === quote
    const end = isQuoted ? endOfQuoted(row, at) + 1 : endOfPlain(row, at, separator)
    fields.push(isQuoted ? row.slice(at + 1, end - 1).replaceAll('""', quote) : row.slice(at, end))
    if (end === row.length) return fields
    if (row[end] !== separator) throw misplaced('text follows a closing quote', fields.length)
    at = end + 1
  }
}

function endOfQuoted(row: string, start: number): number {
  let end = row.indexOf(quote, start + 1)
  while (end !== -1 && row[end + 1] === quote) end = row.indexOf(quote, end + 2)
  if (end === -1) throw new MillraceError('DECODE_FAILED', 'a quote is opened and never closed; close it')
  return end
}

function endOfPlain(row: string, start: number, separator: string): number {
  const found = row.indexOf(separator, start)
  const end = found === -1 ? row.length : found
  const stray = row.indexOf(quote, start)
  if (stray === -1 || stray >= end) return end
  throw misplaced('a quote stands inside an unquoted field', 0)
}

function misplaced(what: string, fields: number): MillraceError {
  const where = fields === 0 ? '' : ` of field ${fields}`
  return new MillraceError(
    'DECODE_FAILED',
    `${what}${where}; quote the whole field and double the quotes in it`,
  )
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

/** The separator of an option: one character that no quote or line ending can be taken for. */
export function separatorOf(separator: string | undefined): string {
  if (separator === undefined) return ','
  if (/^[^"\r\n\u0080-\uffff]$/.test(separator)) return separator
  throw new MillraceError(
    'OPTION_INVALID',
    `separator is ${JSON.stringify(separator)}; give one ASCII character other than a quote or a line ending`,
  )
}
