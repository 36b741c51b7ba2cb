import { JetStreamApiError, type ApiError } from '@nats-io/jetstream'
import {
  createInbox,
  headers as newHeaders,
  MsgHdrsImpl,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/transport-node'
import type { ReadyMessage } from './outgoing.ts'
import type { Link } from './options.ts'

/** A message with the id by which the server knows that it has it. */
export interface NamedMessage {
  readonly id: string
  readonly message: ReadyMessage
}

/** Where messages are written to. */
export interface Target {
  readonly nc: NatsConnection
  readonly stream: string
  /** That of the connection. */
  readonly link: Link
}

/** An answer may take so long. */
const timeoutMs = 30_000

/** So many messages are sent before the first answer is needed. */
export const publishedAtOnce = 1_000

/** Writes messages to a stream, in their order, and resolves when it has them all. */
export async function publishAll(target: Target, messages: readonly NamedMessage[]): Promise<void> {
  for (let at = 0; at < messages.length; at += publishedAtOnce) {
    await publishTogether(target, messages.slice(at, at + publishedAtOnce))
  }
}

/**
 * Sends messages and waits for an answer to each. All answers come to one subscription: the client's own `publish` has a timer and
 * three promises for each message, which cost more than everything else.
 */
function publishTogether({ nc, stream, link }: Target, messages: readonly NamedMessage[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const inbox = createInbox()
    const isAnswered = new Uint8Array(messages.length)
    let left = messages.length
    const answered = (answer: Msg): void => {
      const number = Number(answer.subject.slice(inbox.length + 1))
      if (isAnswered[number] !== 0) return
      const problem = problemOf(answer)
      if (problem !== undefined) return end(problem)
      isAnswered[number] = 1
      if (--left === 0) end()
    }
    const answers = nc.subscribe(`${inbox}.*`, {
      callback: (error, answer) => (error === null ? answered(answer) : end(error)),
    })
    const late = link.timer(timeoutMs, () =>
      end(new Error(`${left} messages were not answered in ${timeoutMs} ms`)),
    )
    const end = (problem?: Error): void => {
      late[Symbol.dispose]()
      if (!answers.isClosed()) answers.unsubscribe()
      if (problem === undefined) resolve()
      else reject(problem)
    }
    void answers.closed.then(() => end(new Error('the connection is closed')))
    try {
      for (const [number, { id, message }] of messages.entries()) {
        const { subject, data } = message
        nc.publish(subject, data, { reply: `${inbox}.${number}`, headers: headersOf(stream, id, message) })
      }
    } catch (error) {
      end(error as Error)
    }
  })
}

function headersOf(stream: string, id: string, { headers }: ReadyMessage): MsgHdrs {
  const own = { 'Nats-Msg-Id': [id], 'Nats-Expected-Stream': [stream] }
  if (headers.length === 0) return MsgHdrsImpl.fromRecord(own)
  const all = newHeaders()
  for (const [name, value] of headers) all.append(name, value)
  for (const [name, [value]] of Object.entries(own)) all.append(name, value!)
  return all
}

/** Why an answer does not say that the stream has the message; undefined if it does. */
function problemOf(answer: Msg): Error | undefined {
  if (answer.headers?.code === 503)
    return new Error('nothing stores messages with this subject: JetStream is not ready')
  try {
    const { error, stream = '' } = answer.json<{ readonly error?: ApiError; readonly stream?: string }>()
    if (error !== undefined) return new JetStreamApiError(error)
    return stream === '' ? new Error('the answer names no stream') : undefined
  } catch (cause) {
    return new Error('the answer is not one of JetStream', { cause })
  }
}
