import type { DecodeFailure, Poll } from './source.ts'
import { headerColumn, type RecordHeaders } from '../record/headers.ts'

/** How a reader makes records of the messages of one split. */
export interface Decoding<M, T> {
  /** The name of the source in the pipeline. */
  readonly source: string
  readonly split: string
  /** Makes a record of a message. What it throws is a failure of that message. */
  readonly decode: (message: M) => T
  /** The bytes of a message, for dead letters. */
  readonly raw: (message: M) => Uint8Array
  /** The place of a message, for people: "offset 17". */
  readonly place: (message: M) => string
  /** The headers of a message; undefined if it has none. Default: none has any. */
  readonly headers?: (message: M) => RecordHeaders | undefined
}

/**
 * Returns what `poll` hands out for messages: their records with place, bytes and headers, and the failures among them.
 *
 * @example
 * decodedPoll(taken, {
 *   source: context.name,
 *   split,
 *   decode: ({ data }) => decodeText(data),
 *   raw: ({ data }) => data,
 *   place: ({ offset }) => `offset ${offset}`,
 *   headers: ({ headers }) => headers,
 * })
 */
export function decodedPoll<M, T>(
  messages: readonly M[],
  { source, split, decode, raw, place, headers = () => undefined }: Decoding<M, T>,
): Poll<T> {
  const values: T[] = []
  const read: M[] = []
  const failures: DecodeFailure[] = []
  for (const message of messages) {
    try {
      values.push(decode(message))
      read.push(message)
    } catch (error) {
      const what = { error, raw: raw(message), place: place(message), headers: headers(message) }
      failures.push({ index: values.length, ...what })
    }
  }
  const origin = {
    source,
    split,
    place: (index: number) => place(read[index]!),
    raw: (index: number) => raw(read[index]!),
  }
  return { kind: 'records', values, headers: headerColumn(read, headers), origin, failures }
}
