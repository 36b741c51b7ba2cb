import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Place } from './place.ts'
import type { StagedMessages } from './staged-messages.ts'
import { keepsNewest, MessageFetcher, stateOf } from './stream.ts'
import type { Link } from './options.ts'

/** Which of staged messages a stream has. */
export interface Written {
  readonly isComplete: boolean
  /** Whether the stream may have had more of them. */
  readonly isUncertain: boolean
  /** Whether it has the message with this number. */
  has(number: number, subject: string): boolean
}

/** Reads the ids of the messages that a stream got since others were staged. */
export async function findWritten(
  nc: NatsConnection,
  link: Link,
  what: string,
  staged: StagedMessages,
): Promise<Written> {
  const { stream, after, created, file, count } = staged
  const state = await stateOf(nc, what, stream)
  const isOther = state.created !== created || state.last < after
  const isCompacted = keepsNewest(state.config)
  const numbers = new Set<number>()
  /** By subject, the greatest number that was found. */
  const newest = new Map<string, number>()
  const take = ({ headers, subject }: Msg, { sequence }: Place): boolean => {
    const id = headers?.get('Nats-Msg-Id') ?? ''
    if (id.startsWith(`${file}-`)) {
      const number = Number(id.slice(file.length + 1))
      numbers.add(number)
      newest.set(subject, Math.max(number, newest.get(subject) ?? -1))
    }
    return numbers.size < count && sequence < state.last
  }
  if (!isOther && state.last > after && state.first <= state.last) {
    const fetcher = await MessageFetcher.open(nc, link, {
      stream,
      from: { sequence: after + 1 },
      headersOnly: true,
    })
    try {
      let left = fetcher.pending
      while (left > 0 && numbers.size < count) left -= await fetcher.fetch(Math.min(left, 5_000), take)
    } finally {
      await fetcher.close()
    }
  }
  return {
    isComplete: numbers.size === count,
    isUncertain: isOther || (state.first > after + 1 && !isCompacted),
    // Where only the newest of a subject is kept, those before it were there.
    has: (number, subject) => numbers.has(number) || (isCompacted && number < (newest.get(subject) ?? -1)),
  }
}
