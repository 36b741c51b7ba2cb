import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { kafkaClient } from '../../../scripts/services/kafka-client.ts'
import { service, type RunningService } from '../../../scripts/services/service.ts'
import type { NativeModule } from '../src/index.ts'
import { transactionsIn } from './transaction-list.ts'

/** A broker for the tests of one file, and means to look at it from outside. */
export interface RealBroker {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly brokers: string
  readonly client: NativeModule
  /** The file of the client, for other processes. */
  readonly clientFile: string
  readonly server: RunningService
  readonly restart: () => Promise<void>
  /** Makes a topic with a name that nothing has used before. */
  readonly freshTopic: (partitions?: number, config?: Readonly<Record<string, string>>) => Promise<string>
  readonly addPartitions: (topic: string, total: number) => Promise<void>
  readonly makeTopic: (topic: string, partitions?: number) => Promise<void>
  readonly deleteTopic: (topic: string) => Promise<void>
  readonly deleteRecords: (topic: string, partition: number, offset: number) => Promise<void>
  /** Writes records, each to a partition or by its key, and waits until the broker has them. */
  readonly produce: (topic: string, records: readonly Sent[], transactionalId?: string) => Promise<void>
  /**
   * Waits until the broker has marked the end of each transaction that it has promised to commit or abort. It answers a
   * commit before that, and until then readers of committed records stop in front of the transaction. Open ones stay open.
   */
  readonly transactionsMarked: () => Promise<void>
  /** What a group has committed for a partition. */
  readonly committed: (group: string, topic: string, partition: number) => Promise<number>
  /** How far the partitions of a topic have got: about how many records it has. */
  readonly ends: (topic: string) => Promise<number>
  /** How many members a group has. */
  readonly members: (group: string) => Promise<number>
}

export interface Sent {
  readonly value: string | Uint8Array | null
  readonly key?: string | null
  readonly partition?: number
  readonly timestamp?: number
  readonly headers?: readonly Readonly<Record<string, string>>[]
}

type Callback = (error: Error | null | undefined, result?: unknown) => void
type Methods = Record<string, (...args: unknown[]) => unknown>
type Make = new (settings: object) => Methods

export async function realBroker(): Promise<RealBroker> {
  const client = await kafkaClient()
  const outcome = 'missing' in client ? client : await service('kafka')
  if ('missing' in outcome || 'missing' in client) {
    const { missing } = outcome as { readonly missing: string }
    return { missing, brokers: '' } as RealBroker
  }
  const native = createRequire(import.meta.url)(client.file) as NativeModule
  const outside = new Outside(native, outcome.url)
  afterAll(async () => {
    await outside.closeAll()
    await outcome.stop()
  })
  return {
    missing: undefined,
    brokers: outcome.url,
    client: native,
    clientFile: client.file,
    server: outcome,
    restart: () => outcome.restart?.() ?? Promise.resolve(),
    ...adminOf(outside),
    produce: producerOf(outside),
    transactionsMarked: async () => {
      while ((await transactionsIn(outcome.url, ['PrepareCommit', 'PrepareAbort'])) > 0) await setTimeout(20)
    },
    committed: async (group, topic, partition) => {
      const consumer = await outside.open(native.KafkaConsumer as unknown as Make, { 'group.id': group })
      const found = await outside.ask(consumer, 'committed', [{ topic, partition }], 30_000)
      return (found as readonly { readonly offset?: number }[])[0]?.offset ?? -1
    },
  }
}

/** Clients that look at the broker from outside. */
class Outside {
  readonly native: NativeModule
  readonly brokers: string
  readonly admin: Methods
  readonly #clients: Methods[] = []

  constructor(native: NativeModule, brokers: string) {
    this.native = native
    this.brokers = brokers
    const { AdminClient } = native as unknown as { AdminClient: { create(settings: object): Methods } }
    this.admin = AdminClient.create({ 'bootstrap.servers': brokers, log_level: 0 })
  }

  async open(Client: Make, settings: object): Promise<Methods> {
    const client = new Client({ 'bootstrap.servers': this.brokers, log_level: 0, ...settings })
    this.#clients.push(client)
    await this.ask(client, 'connect', {})
    return client
  }

  ask(client: Methods, name: string, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const callback: Callback = (error, result) => {
        if (error === null || error === undefined) resolve(result)
        else reject(error)
      }
      client[name]!(...args, callback)
    })
  }

  async close(client: Methods): Promise<void> {
    this.#clients.splice(this.#clients.indexOf(client), 1)
    await this.ask(client, 'disconnect')
  }

  async closeAll(): Promise<void> {
    this.admin['disconnect']!()
    for (const client of this.#clients) await this.ask(client, 'disconnect')
  }
}

const timeoutMs = 30_000

function adminOf(
  outside: Outside,
): Pick<
  RealBroker,
  'freshTopic' | 'makeTopic' | 'addPartitions' | 'deleteTopic' | 'deleteRecords' | 'members' | 'ends'
> {
  const { admin } = outside
  const run = `${process.pid}-${Date.now().toString(36)}`
  let topics = 0
  const create = async (topic: string, partitions: number, config = {}): Promise<void> => {
    const wanted = { topic, num_partitions: partitions, replication_factor: 1, config }
    await outside.ask(admin, 'createTopic', wanted, timeoutMs)
  }
  return {
    makeTopic: (topic, partitions = 1) => create(topic, partitions),
    freshTopic: async (partitions = 1, config = {}) => {
      const topic = `test-${run}-${topics++}`
      await create(topic, partitions, config)
      return topic
    },
    addPartitions: async (topic, total) =>
      void (await outside.ask(admin, 'createPartitions', topic, total, timeoutMs)),
    members: async (group) => {
      const found = await outside.ask(admin, 'describeGroups', [group], { timeout: timeoutMs })
      const { groups } = found as { readonly groups: readonly { readonly members: readonly unknown[] }[] }
      return groups[0]!.members.length
    },
    ends: async (topic) => {
      const described = await outside.ask(admin, 'describeTopics', [topic], { timeout: timeoutMs })
      const [{ partitions }] = described as [{ readonly partitions: readonly unknown[] }]
      const wanted = partitions.map((_, partition) => ({ topic, partition, offset: { timestamp: -1 } }))
      const found = await outside.ask(admin, 'listOffsets', wanted, { timeout: timeoutMs })
      return (found as readonly { readonly offset: number }[]).reduce((sum, { offset }) => sum + offset, 0)
    },
    deleteTopic: async (topic) => void (await outside.ask(admin, 'deleteTopic', topic, timeoutMs)),
    deleteRecords: async (topic, partition, offset) =>
      void (await outside.ask(admin, 'deleteRecords', [{ topic, partition, offset }], {
        timeout: timeoutMs,
      })),
  }
}

const empty = Buffer.from(new ArrayBuffer(1), 0, 0)

function producerOf(outside: Outside): RealBroker['produce'] {
  const settings = {
    partitioner: 'murmur2_random',
    'queue.buffering.max.messages': 1_000_000,
    // In order, also while a broker is restarted.
    'enable.idempotence': true,
  }
  const Producer = outside.native.Producer as unknown as Make
  return async (topic, records, transactionalId) => {
    // A new one knows the partitions that there are now.
    const id = transactionalId === undefined ? {} : { 'transactional.id': transactionalId }
    const producer = await outside.open(Producer, { ...settings, ...id })
    if (transactionalId !== undefined) {
      await outside.ask(producer, 'initTransactions', timeoutMs)
      await outside.ask(producer, 'beginTransaction')
    }
    for (const { value, key = null, partition = -1, timestamp = 0, headers } of records) {
      const bytes = value === null ? null : value.length === 0 ? empty : Buffer.from(value as string)
      producer['produce']!(topic, partition, bytes, key, timestamp, undefined, headers)
    }
    await outside.ask(producer, 'flush', timeoutMs)
    if (transactionalId === undefined) await outside.close(producer)
  }
}
