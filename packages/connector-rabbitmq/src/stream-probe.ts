import type { Channel, Consumer } from './amqp/channel.ts'
import type { Connection } from './amqp/connection.ts'
import { offsetOf } from './message.ts'

/** Where a stream can be read from: what `x-stream-offset` takes. */
export type StreamPlace = 'first' | 'last' | number | { readonly '!': 'timestamp'; readonly value: number }

/** What a broker has of a stream. */
export interface StreamState {
  /** The offset of the oldest message that is there; 0 if there was none yet. */
  readonly first: number
  /** The offset of the newest message; -1 if there was none yet. */
  readonly last: number
}

/** How many messages may be here before one is acknowledged, which for a stream is only credit. */
export const streamCredit = 2_000
/** Credit is given back in such portions: each is a message to the broker. */
export const creditPortion = 500

/**
 * Begins to read a stream. When it resolves, all messages that were there have arrived, up to the credit: the broker sends them
 * before it answers the next question.
 */
export async function consumeStream(
  channel: Channel,
  stream: string,
  from: StreamPlace,
  credit: number,
  take: Consumer,
): Promise<void> {
  await channel.prefetch(credit)
  await channel.consume(stream, take, { 'x-stream-offset': from })
  await channel.checkQueue(stream)
}

/** Looks at both ends of a stream. Rejects if it is not there, or is a queue, which cannot be read from an offset. */
export async function stateOf(connection: Connection, stream: string): Promise<StreamState> {
  const [first] = await offsetsFrom(connection, stream, 'first')
  const last = (await offsetsFrom(connection, stream, 'last')).at(-1)
  return { first: first ?? 0, last: last ?? -1 }
}

/**
 * The offset after the newest message, of the oldest one and how many the broker counts. It costs one message, where a look at the
 * newest one costs all that were written together with it. Undefined if nothing is there.
 */
export async function endOf(connection: Connection, stream: string): Promise<number | undefined> {
  const channel = await connection.channel()
  try {
    let first: number | undefined
    await consumeStream(channel, stream, 'first', 1, (message) => {
      first ??= message && offsetOf(message)
    })
    const { messageCount } = await channel.checkQueue(stream)
    return first === undefined ? undefined : first + messageCount
  } finally {
    await channel.close()
  }
}

/**
 * The offsets of some messages at a place: for `last`, of all messages that the broker has written together last; none if nothing
 * is there.
 */
export async function offsetsFrom(
  connection: Connection,
  stream: string,
  from: StreamPlace,
): Promise<readonly number[]> {
  const channel = await connection.channel()
  const offsets: number[] = []
  await channel.checkQueue(stream)
  await consumeStream(channel, stream, from, from === 'last' ? streamCredit : 1, (message) => {
    const offset = message && offsetOf(message)
    if (offset !== undefined) offsets.push(offset)
  })
  await channel.close()
  return offsets
}
