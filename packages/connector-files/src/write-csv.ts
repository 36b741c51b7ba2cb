import { MillraceError } from '@millrace/core'
import type { Sink, TextBuffer } from '@millrace/core/connector'
import type { FileCommittable } from './committable.ts'
import { dialectOf, fieldsOf, firstRow, rowOf, separatorOf } from './csv-row.ts'
import { FileSink, type WriteOptions } from './file-sink.ts'
import type { RecordEncoder } from './record-encoder.ts'
import { requireWellFormed } from './well-formed.ts'

/** Options for writing comma-separated values. */
export interface WriteCsvOptions extends WriteOptions {
  /** The fields of a record to write, in order. Default: those of the first record. */
  readonly columns?: readonly string[]
  /** The character between fields: one ASCII character. Default `','`. */
  readonly separator?: string
}

/**
 * Returns a sink that writes records as comma-separated values (RFC 4180), exactly once. Each file begins
 * with one header row.
 *
 * Fields are strings, numbers, bigints, booleans or dates; undefined and null are written as empty, NaN as
 * `NaN`. A record with a field that is not a column is rejected, so that no data is dropped silently.
 *
 * Text that begins with `=`, `+`, `-` or `@` is written as it is. Spreadsheet programs may interpret it as a
 * formula: do not open a file of untrusted text with one, or prefix such text with an apostrophe.
 *
 * Throws `OPTION_INVALID` for an invalid path or option.
 *
 * @example
 * totals.to('totals', files.writeCsv('out/totals.csv', { columns: ['card', 'total'] }))
 */
export function writeCsv<T extends object>(
  path: string,
  options: WriteCsvOptions = {},
): Sink<T, FileCommittable> {
  const separator = separatorOf(options.separator)
  const { columns } = options
  return new FileSink(path, { encoder: () => new CsvEncoder<T>(columns, separator) }, options)
}

class CsvEncoder<T extends object> implements RecordEncoder<T> {
  readonly #separator: string
  #columns: readonly string[] | undefined
  #known: ReadonlySet<string>

  constructor(columns: readonly string[] | undefined, separator: string) {
    this.#separator = separator
    this.#columns = columns
    this.#known = new Set(columns)
  }

  encode(record: T, out: TextBuffer): void {
    const columns = this.#columnsFor(record)
    for (const name of Object.keys(record)) {
      if (this.#known.has(name)) continue
      throw new MillraceError(
        'SINK_FAILED',
        `its field ${JSON.stringify(name)} is not one of the columns ${listOf(columns)}; add it`,
      )
    }
    const fields = columns.map((name) =>
      textOf(Object.hasOwn(record, name) ? record[name as keyof T] : undefined, name),
    )
    out.text(rowOf(fields, this.#separator))
  }

  header(first: T): string {
    return rowOf(this.#columnsFor(first), this.#separator)
  }

  resume(head: string): boolean {
    const row = firstRow(head)
    if (row === undefined) return false
    const dialect = dialectOf({ separator: this.#separator })
    const found = fieldsOf(row.replace(/^\uFEFF/, '').replace(/\r$/, ''), dialect)
    const columns = this.#columns ?? found
    // Compare the written header as text too: a row without fields is read as one empty field.
    const isSame = `${row}\n` === rowOf(columns, this.#separator) || isEqual(columns, found)
    if (!isSame) {
      throw new MillraceError('SINK_FAILED', `its columns are ${listOf(found)} and not ${listOf(columns)}`)
    }
    this.#columns = columns
    this.#known = new Set(columns)
    return true
  }

  #columnsFor(record: T): readonly string[] {
    if (this.#columns === undefined) {
      this.#columns = Object.keys(record)
      this.#known = new Set(this.#columns)
    }
    return this.#columns
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

function listOf(columns: readonly string[]): string {
  return columns.map((name) => JSON.stringify(name)).join(', ')
}

function textOf(value: unknown, name: string): string {
  switch (typeof value) {
    case 'string':
      return requireWellFormed(value)
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return ''
    default: {
      if (value === null) return ''
      // A date, or another object with toJSON.
      const plain = typeof value === 'object' && 'toJSON' in value ? (value as Date).toJSON() : undefined
      if (typeof plain === 'string') return plain
      throw new MillraceError(
        'SINK_FAILED',
        `its field ${name} is a ${typeof value}; map it to a string or a number`,
      )
    }
  }
}
