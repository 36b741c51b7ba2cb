import { durationMs } from '@millrace/core'
import {
  KafkaFailure,
  type Connect,
  type ConnectOptions,
  type Feed,
  type FeedListener,
  type GroupOffset,
  type OffsetRange,
  type ReadableCluster,
  type RecordProducer,
  type TransactionProducer,
  type World,
  type WritableCluster,
} from '../cluster.ts'
import { brokersOf, settingsOf, type KafkaOptions, type Settings } from '../options.ts'
import { Outage, Patience } from '../patience.ts'
import type { TopicPartition } from '../record.ts'
import { refusal } from '../refusal.ts'
import { call, loadClient, orAborted } from './native-call.ts'
import { ConsumerLoop } from './consumer-loop.ts'
import { PlainProducer } from './plain-producer.ts'
import { openTransactions, type ProducerOptions } from './native-transactions.ts'
import type { NativeAdmin, NativeConsumer, NativeMetadata, NativeModule } from './native-module.ts'

/** How long one request may take before it is repeated. */
const requestMs = 10_000
/** How long a look for brokers may take before the reason of its failure is looked at. */
const lookMs = 500

/** Offsets for "the first" and "the last" in a request. */
const earliest = -2
const latest = -1

/** Returns what connects to the cluster of `options`, with the client library. */
export function nativeConnect(
  options: KafkaOptions,
  producing: ProducerOptions,
): Connect<ReadableCluster & WritableCluster> {
  let wasReached = false
  return async (what, world, how) => {
    const client = await loadClient(what, options.client)
    const settings = settingsOf(what, options)
    const consumer = new client.KafkaConsumer(consumerSettings(settings, how, () => loop.wake()))
    const loop = new ConsumerLoop(consumer)
    const address = brokersOf(what, options)
    const cluster = new NativeCluster(client, consumer, loop, {
      address,
      world,
      settings,
      producing,
      isolationLevel: how.readsUncommitted === true ? 0 : 1,
    })
    const limitMs = durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`)
    try {
      await begin(consumer)
      loop.start()
      const patience = new Patience(address, world)
      if (wasReached) await patience.repeat(() => cluster.topics())
      else await firstContact(consumer, loop, limitMs, world)
    } catch (error) {
      await cluster.close()
      if (world.signal.aborted) throw world.signal.reason
      throw refusal(what, address, error)
    }
    wasReached = true
    return cluster
  }
}

/** Starts the client without its own look for brokers, which says nothing about why it has failed. */
async function begin(consumer: NativeConsumer): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(consumer, 'getMetadata')
  consumer.getMetadata = (_options, callback) => callback(null, { topics: [] })
  await call((callback) => consumer.connect({}, callback))
  if (own === undefined) delete (consumer as Partial<NativeConsumer>).getMetadata
}

/** Looks for brokers until one answers, or until it is clear why none does. */
async function firstContact(
  consumer: NativeConsumer,
  loop: ConsumerLoop,
  limitMs: number,
  { clock, signal }: World,
): Promise<void> {
  const began = clock.monotonic()
  for (let looks = 1; ; looks++) {
    try {
      await orAborted(metadataOf(consumer, undefined, Math.min(lookMs, limitMs)), signal)
      return
    } catch (error) {
      await loop.hear()
      const waitedMs = Math.max(clock.monotonic() - began, looks * lookMs)
      if (signal.aborted || loop.refusal !== undefined || waitedMs >= limitMs) throw loop.refusal ?? error
    }
  }
}

function consumerSettings(
  settings: Settings,
  { group, readsUncommitted = false }: ConnectOptions,
  wake: () => void,
): object {
  return {
    'group.id': group,
    'auto.offset.reset': 'error',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'enable.partition.eof': true,
    'isolation.level': readsUncommitted ? 'read_uncommitted' : 'read_committed',
    'check.crcs': true,
    'fetch.wait.max.ms': 100,
    'queued.max.messages.kbytes': 16_384,
    ...settings,
    queue_non_empty_cb: wake,
  }
}

function metadataOf(
  consumer: NativeConsumer,
  topic: string | undefined,
  timeout: number,
): Promise<NativeMetadata> {
  const options = topic === undefined ? { allTopics: true, timeout } : { topic, allTopics: false, timeout }
  return call((callback) => consumer.getMetadata(options, callback))
}

interface Surroundings {
  readonly address: string
  readonly world: World
  readonly settings: Settings
  readonly producing: ProducerOptions
  /** 0: also what is not committed. */
  readonly isolationLevel: 0 | 1
}

/** A cluster through librdkafka. One consumer reads all partitions, and asks all questions. */
class NativeCluster implements ReadableCluster, WritableCluster {
  readonly address: string
  readonly #client: NativeModule
  readonly #consumer: NativeConsumer
  readonly #loop: ConsumerLoop
  readonly #around: Surroundings
  readonly #patience: Patience
  #admin: NativeAdmin | undefined

  constructor(client: NativeModule, consumer: NativeConsumer, loop: ConsumerLoop, around: Surroundings) {
    this.address = around.address
    this.#client = client
    this.#consumer = consumer
    this.#loop = loop
    this.#around = around
    this.#patience = new Patience(around.address, around.world)
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await this.#ask(() => metadataOf(this.#consumer, undefined, requestMs))
    return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  }

  async partitions(topic: string): Promise<number | undefined> {
    const { topics } = await this.#ask(() => metadataOf(this.#consumer, topic, requestMs))
    const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
    return count === 0 ? undefined : count
  }

  async range(of: TopicPartition): Promise<OffsetRange> {
    return this.#ask(async () => ({
      first: await this.#offset(of, earliest),
      end: await this.#offset(of, latest),
    }))
  }

  async offsetAt({ topic, partition }: TopicPartition, time: number): Promise<number> {
    const [found] = await this.#ask(() =>
      call<readonly { readonly offset?: number }[]>((callback) =>
        this.#consumer.offsetsForTimes([{ topic, partition, offset: time }], requestMs, callback),
      ),
    )
    const offset = found?.offset ?? -1
    return offset >= 0 ? offset : (await this.range({ topic, partition })).end
  }

  feed(of: TopicPartition, from: number, listener: FeedListener): Promise<Feed> {
    return this.#loop.add(of, from, listener)
  }

  async commit(offsets: readonly GroupOffset[]): Promise<void> {
    await call((callback) => this.#consumer.commitCb(offsets, callback))
  }

  async producer(): Promise<RecordProducer> {
    const { settings, producing, world, address } = this.#around
    const outage = new Outage(address, world)
    return PlainProducer.open(this.#client, { ...settings, ...producing.settings }, world.signal, outage)
  }

  transactions(id: string, topic: string): Promise<TransactionProducer> {
    const { settings, producing, world } = this.#around
    return openTransactions(this.#client, this.#consumer, { settings, producing, world, id, topic })
  }

  async close(): Promise<void> {
    await this.#loop.close()
    await call((callback) => this.#consumer.disconnect(callback)).catch(() => {})
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    return this.#patience.repeat(() => orAborted(question(), this.#around.world.signal))
  }

  async #offset({ topic, partition }: TopicPartition, timestamp: number): Promise<number> {
    this.#admin ??= this.#client.AdminClient.createFrom(this.#consumer)
    const admin = this.#admin
    const [found] = await call<
      readonly { readonly offset?: number; readonly error?: { message: string; code?: number } }[]
    >((callback) =>
      admin.listOffsets(
        [{ topic, partition, offset: { timestamp } }],
        { isolationLevel: this.#around.isolationLevel, timeout: requestMs },
        callback,
      ),
    )
    if (found?.error !== undefined || found?.offset === undefined) {
      const message = found?.error?.message ?? 'the broker does not say'
      throw new KafkaFailure(found?.error?.code ?? 0, `offsets of ${topic}-${partition}: ${message}`, false)
    }
    return found.offset
  }
}
