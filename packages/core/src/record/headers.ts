import { decodeText } from '../codec/decode.ts'
import { isPlainObject } from '../codec/plain-object.ts'
import { MillraceError } from '../errors/errors.ts'
import { kindOf } from '../errors/value-path.ts'

/**
 * What a record carries beside its value and its time: a trace, a tenant, a content type. Text, or bytes that are no text.
 * Headers are immutable, as values are.
 *
 * @example
 * const headers: RecordHeaders = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
 */
export type RecordHeaders = Readonly<Record<string, string | Uint8Array>>

/** The headers of records, by index; undefined where a record has none, and the list may be shorter than the records. */
export type HeaderColumn = readonly (RecordHeaders | undefined)[]

/** What a record without headers shows. */
export const noHeaders: RecordHeaders = Object.freeze({})

/**
 * Returns headers as a record carries them: undefined if there are none. Throws `OPERATOR_FAILED` for what are none, so
 * that a sink does not meet them.
 */
export function carriedHeaders(given: RecordHeaders | undefined): RecordHeaders | undefined {
  if (given === undefined || given === noHeaders) return undefined
  if (typeof given !== 'object' || given === null || !isPlainObject(given))
    throw noSuch(`they are ${kindOf(given)}`)
  let isEmpty = true
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
      throw noSuch(`${JSON.stringify(name)} is ${kindOf(value)}`)
    }
    isEmpty = false
  }
  return isEmpty ? undefined : given
}

/**
 * Returns the headers of records as a column, for a batch or a poll; undefined if none has any.
 *
 * @example
 * headerColumn(messages, ({ trace }) => (trace === undefined ? undefined : { traceparent: trace }))
 */
export function headerColumn<T>(
  records: readonly T[],
  headersOf: (record: T) => RecordHeaders | undefined,
): HeaderColumn | undefined {
  let column: HeaderColumn | undefined
  for (const [at, record] of records.entries()) {
    const headers = headersOf(record)
    if (headers !== undefined) column = addHeaders(column, at, headers)
  }
  return column
}

/** Adds the headers of record `at` to a column that has those of some records before it. */
export function addHeaders(
  column: HeaderColumn | undefined,
  at: number,
  headers: RecordHeaders,
): HeaderColumn {
  const all = (column ?? []) as (RecordHeaders | undefined)[]
  while (all.length < at) all.push(undefined)
  all.push(headers)
  return all
}

/** Returns bytes as the value of a header: text where they are UTF-8, otherwise a copy of them. */
export function headerValue(bytes: Uint8Array): string | Uint8Array {
  try {
    return decodeText(bytes)
  } catch {
    // A view would keep everything in memory that was fetched with it.
    return new Uint8Array(bytes)
  }
}

/** Returns headers without those whose names match: those by which a system says something of one message. */
export function headersWithout<V>(
  headers: Readonly<Record<string, V>>,
  names: RegExp,
): Readonly<Record<string, V>> {
  const entries = Object.entries(headers)
  const kept = entries.filter(([name]) => !names.test(name))
  return kept.length === entries.length ? headers : Object.fromEntries(kept)
}

function noSuch(problem: string): MillraceError {
  const help = 'give an object whose fields are text or bytes, or undefined for none'
  return new MillraceError('OPERATOR_FAILED', `the headers cannot be carried: ${problem}; ${help}`)
}
