import type { Msg } from '@nats-io/transport-node'
import { headersOf, type NatsHeaders } from './headers.ts'
import { originOf, placeOf } from './place.ts'

/** A message of a subject. */
export interface SubjectMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: NatsHeaders
}

/** A message of a stream. */
export interface StreamMessage extends SubjectMessage {
  readonly stream: string
  /** Its place in the stream. */
  readonly sequence: number
  /** When the server has stored it, in milliseconds since 1970. */
  readonly timestamp: number
}

/** How far a stream was read. */
export interface StreamPosition {
  readonly [name: string]: string | number
  /** The sequence of the next message. */
  readonly next: number
  /** When the stream was made. */
  readonly created: string
}

/** Makes a record of a message. Throws if it cannot. */
export type Decode<M, T> = (message: M) => T

export function subjectMessage({ subject, data, headers }: Msg): SubjectMessage {
  return { subject, data, headers: headersOf(headers) }
}

export function streamMessage(message: Msg): StreamMessage {
  const { stream, timestamp } = originOf(message)
  return { stream, ...subjectMessage(message), sequence: placeOf(message).sequence, timestamp }
}
