import type { JsMsg } from '@nats-io/jetstream'
import { headersOf, type NatsHeaders } from './headers.ts'

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

export function streamMessage(message: JsMsg): StreamMessage {
  const { subject, data, headers, seq, info } = message
  return {
    stream: info.stream,
    subject,
    data,
    headers: headersOf(headers),
    sequence: seq,
    timestamp: Math.floor(info.timestampNanos / 1e6),
  }
}
