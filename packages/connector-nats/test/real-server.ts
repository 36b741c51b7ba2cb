import { jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { afterAll } from 'vitest'
import { service } from '../../../scripts/services/service.ts'

/** A NATS server for the tests of one file, with a client that looks at it from outside. */
export interface RealServer {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly url: string
  readonly nc: NatsConnection
  readonly manager: JetStreamManager
  readonly restart: () => Promise<void>
  /** Makes a stream with a name that nothing has used before. Its subjects are its name and everything below it. */
  readonly freshStream: (config?: Partial<StreamConfig>) => Promise<string>
  /** Stores messages, and waits until the stream has them. */
  readonly store: (
    subject: string,
    texts: readonly string[],
    headers?: Readonly<Record<string, string>>,
  ) => Promise<void>
  /** The texts of all messages of a stream, in order. */
  readonly textsIn: (stream: string) => Promise<readonly string[]>
  readonly countIn: (stream: string) => Promise<number>
}

export async function realServer(): Promise<RealServer> {
  const outcome = await service('nats')
  if ('missing' in outcome) return { missing: outcome.missing, url: '' } as RealServer
  const nc = await connect({
    servers: new URL(outcome.url).host,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  })
  const manager = await jetstreamManager(nc, { timeout: 3_000 })
  const client = manager.jetstream()
  afterAll(async () => {
    await nc.close()
    await outcome.stop()
  })
  const run = `${process.pid}-${Date.now().toString(36)}`
  let streams = 0
  return {
    missing: undefined,
    url: outcome.url,
    nc,
    manager,
    restart: () => outcome.restart?.() ?? Promise.resolve(),
    freshStream: async (config = {}) => {
      const name = `test-${run}-${streams++}`
      await manager.streams.add({ name, subjects: [name, `${name}.>`], ...config })
      return name
    },
    store: async (subject, texts, given = {}) => {
      for (let at = 0; at < texts.length; at += 500) {
        const chunk = texts.slice(at, at + 500)
        // An id, so that a try that is repeated stores nothing twice.
        await Promise.all(
          chunk.map((text, n) =>
            client.publish(subject, text, {
              retries: 50,
              msgID: `${subject}-${at + n}-${text}`,
              headers: headersFrom(given),
            }),
          ),
        )
      }
    },
    textsIn: (stream) => patiently(() => textsIn(manager, stream)),
    countIn: (stream) => patiently(async () => (await manager.streams.info(stream)).state.messages),
  }
}

/** The client adds the id of a message to what it is given. */
function headersFrom(given: Readonly<Record<string, string>>): MsgHdrs {
  const all = headers()
  for (const [name, value] of Object.entries(given)) all.append(name, value)
  return all
}

async function textsIn(manager: JetStreamManager, stream: string): Promise<readonly string[]> {
  const { state } = await manager.streams.info(stream)
  const texts: string[] = []
  if (state.messages === 0) return texts
  const { name } = await manager.consumers.add(stream, { ack_policy: 'none', inactive_threshold: 5e9 })
  const consumer = await manager.jetstream().consumers.get(stream, name)
  const messages = await consumer.fetch({ max_messages: state.messages, expires: 3_000 })
  for await (const message of messages) texts.push(message.string())
  if (texts.length < state.messages) throw new Error('not all messages came')
  return texts
}

/** Repeats what fails while the server restarts. */
async function patiently<R>(action: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await action()
    } catch (error) {
      if (tries === 100) throw error
    }
  }
}
