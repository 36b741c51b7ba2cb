import {
  connect,
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  type Options,
} from 'amqplib'
import { afterAll } from 'vitest'
import { askRabbit } from '../../../scripts/services/rabbitmq-console.ts'
import { service } from '../../../scripts/services/service.ts'

/** What a test may say about messages that it sends. */
export type SendOptions = Options.Publish & { readonly ids?: (text: string) => string }

/** A broker for the tests of one file, with a client that looks at it from outside. */
export interface RealServer {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly url: string
  readonly ports: readonly number[]
  readonly directory: string
  /** Kills the broker and starts it again. */
  readonly restart: () => Promise<void>
  /** Does something with a channel of its own. Repeated while the broker restarts. */
  readonly use: <R>(action: (channel: ConfirmChannel) => Promise<R>) => Promise<R>
  /** Makes a durable queue with a name that nothing has used before. */
  readonly freshQueue: (args?: Record<string, unknown>) => Promise<string>
  /** Sends messages, and waits until the broker has them. */
  readonly store: (queue: string, texts: readonly string[], options?: SendOptions) => Promise<void>
  /** All messages of a queue, in order. They stay there. */
  readonly messagesIn: (queue: string) => Promise<readonly ConsumeMessage[]>
  readonly textsIn: (queue: string) => Promise<readonly string[]>
  /** How many messages are ready. */
  readonly countIn: (queue: string) => Promise<number>
}

/**
 * Makes the broker write its tables of replicated queues. It does so twice a second by itself, and forgets a queue that is
 * younger when it is killed.
 */
async function keepReplicas(server: Pick<RealServer, 'directory' | 'ports'>): Promise<void> {
  for (const system of ['ra', 'ra_coordination']) {
    for (const table of ['directory_reverse', 'log_meta'])
      await askRabbit(server, `dets sync [${system}_${table}]`)
  }
}

export async function realServer(): Promise<RealServer> {
  const outcome = await service('rabbitmq')
  if ('missing' in outcome) return { missing: outcome.missing, url: '' } as RealServer
  const client = new Client(outcome.url)
  afterAll(async () => {
    await client.close()
    await outcome.stop()
  })
  const run = `${process.pid}-${Date.now().toString(36)}`
  let queues = 0
  const use: RealServer['use'] = (action) => client.use(action)
  const messagesIn = (queue: string): Promise<readonly ConsumeMessage[]> =>
    use((channel) => allMessages(channel, queue))
  return {
    missing: undefined,
    url: outcome.url,
    ports: outcome.ports,
    directory: outcome.directory,
    restart: () => outcome.restart?.() ?? Promise.resolve(),
    use,
    freshQueue: async (args = {}) => {
      const name = `test-${run}-${queues++}`
      await use((channel) => channel.assertQueue(name, { durable: true, arguments: args }))
      if (args['x-queue-type'] !== undefined) await keepReplicas(outcome)
      return name
    },
    store: async (queue, texts, { ids, ...options } = {}) => {
      for (let at = 0; at < texts.length; at += 1_000) {
        // All or nothing: an attempt that is repeated must not store anything twice, so it is one of a client that stays.
        await use(async (channel) => {
          for (const text of texts.slice(at, at + 1_000)) {
            const messageId = ids?.(text)
            channel.sendToQueue(queue, Buffer.from(text), {
              persistent: true,
              ...options,
              ...(messageId !== undefined && { messageId }),
            })
          }
          await channel.waitForConfirms()
        })
      }
    },
    messagesIn,
    textsIn: async (queue) => (await messagesIn(queue)).map(({ content }) => content.toString()),
    countIn: (queue) => use(async (channel) => (await channel.checkQueue(queue)).messageCount),
  }
}

/** A connection that is made anew when it is lost. */
class Client {
  readonly #url: string
  #model: Promise<ChannelModel> | undefined

  constructor(url: string) {
    this.#url = url
  }

  async use<R>(action: (channel: ConfirmChannel) => Promise<R>): Promise<R> {
    for (let tries = 1; ; tries++) {
      try {
        this.#model ??= connect(this.#url, { timeout: 5_000 }).then((model) => {
          model.on('error', () => {})
          model.on('close', () => (this.#model = undefined))
          return model
        })
        const channel = await (await this.#model).createConfirmChannel()
        channel.on('error', () => {})
        const result = await action(channel)
        await channel.close()
        return result
      } catch (error) {
        if (tries === 100 || typeof (error as { code?: unknown }).code === 'number') throw error
        this.#model = undefined
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#model)?.close()
  }
}

async function allMessages(channel: Channel, queue: string): Promise<readonly ConsumeMessage[]> {
  const { messageCount } = await channel.checkQueue(queue)
  const messages: ConsumeMessage[] = []
  if (messageCount === 0) return messages
  await new Promise<void>((resolve, reject) => {
    channel.on('close', () => reject(new Error('not all messages came')))
    channel
      .consume(queue, (message) => {
        if (message !== null && messages.push(message) === messageCount) resolve()
      })
      .catch(reject)
  })
  return messages
}
