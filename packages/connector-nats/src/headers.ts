import { MillraceError, type RecordHeaders } from '@millrace/core'
import { headersWithout, headerValue } from '@millrace/core/connector'
import type { MsgHdrs } from '@nats-io/transport-node'

/** The headers of a message. A name may have several values. */
export type NatsHeaders = Readonly<Record<string, readonly string[]>>

/** Headers to send: text of one line, or its bytes in UTF-8. */
export type GivenHeaders = Readonly<Record<string, string | Uint8Array | readonly string[]>>

/** The server, and its key-value store, give these a meaning for one message of one stream. */
const natsOwn = /^(nats-.*|kv-operation)$/i
/** On these the sink relies. */
const sinkOwn = /^nats-(msg-id|expected-.*)$/i

const noHeaders: NatsHeaders = Object.freeze({})

export function headersOf(headers: MsgHdrs | undefined): NatsHeaders {
  if (headers === undefined) return noHeaders
  // A name that data chooses, such as __proto__, is an ordinary header.
  return Object.fromEntries(headers.keys().map((name) => [name, headers.values(name)]))
}

/** The headers of a record without those that belong to NATS. */
export function withoutOwn<V>(headers: Readonly<Record<string, V>>): Readonly<Record<string, V>> {
  return headersWithout(headers, natsOwn)
}

/** What every message of the client has. */
interface Received {
  readonly headers?: MsgHdrs | undefined
}

/** The headers of a message as its record carries them, without those of NATS. Of several with one name the last counts. */
export function carriedHeaders({ headers }: Received): RecordHeaders | undefined {
  if (headers === undefined) return undefined
  let carried: [name: string, value: string][] | undefined
  for (const [name, values] of headers) {
    if (!natsOwn.test(name)) (carried ??= []).push([name, values.at(-1) ?? ''])
  }
  return carried && Object.fromEntries(carried)
}

/** Returns headers as they are sent. Throws `CODEC_FAILED` for what NATS cannot send, and for what the sink itself sets. */
export function headersFrom(given: GivenHeaders): readonly (readonly [name: string, value: string])[] {
  return Object.entries(given).flatMap(([name, content]) => {
    if (!/^[!-9;-~]+$/.test(name) || sinkOwn.test(name)) {
      throw new MillraceError('CODEC_FAILED', `a message cannot have the header ${JSON.stringify(name)}`)
    }
    const values: readonly unknown[] = Array.isArray(content) ? content : [content]
    return values.map((value) => [name, lineOf(name, value)] as const)
  })
}

/** The text of a header. */
function lineOf(name: string, value: unknown): string {
  const text = value instanceof Uint8Array ? headerValue(value) : value
  if (typeof text === 'string' && !/[\r\n]/.test(text)) return text
  const kind = text instanceof Uint8Array ? 'bytes that are no UTF-8' : typeof text
  const problem = typeof text === 'string' ? 'text with a line end' : kind
  const help = 'give text of one line, or leave it out with the option headers'
  throw new MillraceError('CODEC_FAILED', `the header ${name} is ${problem}; ${help}`)
}
