import type { ByteReader, ByteWriter } from '@millrace/core'
import type { ReadyMessage } from './outgoing.ts'

/** The messages of one subtask and one checkpoint, on disk and not all in the stream yet. */
export interface StagedMessages {
  readonly [name: string]: string | number
  readonly stream: string
  /** When the stream was made, and its last sequence before any of the messages. */
  readonly created: string
  readonly after: number
  readonly checkpoint: number
  /** The name of the file in the directory of the sink, and the beginning of the ids of its messages. */
  readonly file: string
  readonly bytes: number
  readonly count: number
}

/** Writes a message into a staged file. */
export function encodeMessage(out: ByteWriter, { subject, data, headers }: ReadyMessage): void {
  out.text(subject)
  out.blob(data)
  out.varint(headers.length)
  for (const [name, value] of headers) {
    out.text(name)
    out.text(value)
  }
}

export function decodeMessage(reader: ByteReader): ReadyMessage {
  const subject = reader.text()
  const data = reader.blob()
  const headers: [string, string][] = []
  for (let left = reader.varint(); left > 0; left--) headers.push([reader.text(), reader.text()])
  return { subject, data, headers }
}
