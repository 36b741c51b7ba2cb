import { jetstream } from '@nats-io/jetstream'
import { headers as newHeaders, type NatsConnection } from '@nats-io/transport-node'
import type { ReadyMessage } from './outgoing.ts'

/** A message with the id by which the server knows that it has it. */
export interface NamedMessage {
  readonly id: string
  readonly message: ReadyMessage
}

/** An answer may take so long. */
const timeoutMs = 30_000

/** So many messages are sent before the first answer is needed. */
export const publishedAtOnce = 1_000

/** Writes messages to a stream, in their order, and resolves when it has them all. */
export async function publishAll(
  nc: NatsConnection,
  stream: string,
  messages: readonly NamedMessage[],
): Promise<void> {
  const client = jetstream(nc, { timeout: timeoutMs })
  const publish = ({ id, message: { subject, data, headers } }: NamedMessage): Promise<unknown> => {
    const all = newHeaders()
    for (const [name, value] of headers) all.append(name, value)
    return client.publish(subject, data, { msgID: id, headers: all, expect: { streamName: stream } })
  }
  for (let at = 0; at < messages.length; at += publishedAtOnce) {
    await Promise.all(messages.slice(at, at + publishedAtOnce).map(publish))
  }
}
