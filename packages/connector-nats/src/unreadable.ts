import type { NatsConnection } from '@nats-io/transport-node'

/** A part of the client that its types do not show. */
interface Internals {
  readonly protocol?: {
    readonly parser: { parse(bytes: Uint8Array): void }
    close(error: Error): Promise<void>
  }
}

/**
 * Closes a connection on which bytes come that are no message, so that another one takes its place. By itself the client prints the bytes
 * to standard output, reads nothing more, and leaves the connection open.
 */
export function closedIfUnreadable(nc: NatsConnection): NatsConnection {
  const { protocol } = nc as unknown as Internals
  if (protocol === undefined) return nc
  const { parser } = protocol
  const parse = parser.parse.bind(parser)
  let isReadable = true
  parser.parse = (bytes) => {
    if (!isReadable) return
    try {
      parse(bytes)
    } catch {
      isReadable = false
      // What the parser says is left out: it has all that came, which is the content of messages.
      protocol.close(new Error('the server has sent something that is no message')).catch(() => {})
    }
  }
  return nc
}
