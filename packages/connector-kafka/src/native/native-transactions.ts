import { KafkaFailure, type TransactionProducer, type World } from '../cluster.ts'
import type { Settings } from '../options.ts'
import type { ReadyRecord } from '../record.ts'
import { call, codes, orAborted } from './native-call.ts'
import type { NativeConsumer, NativeModule, NativePartition, NativeProducer } from './native-module.ts'
import { begin, produce } from './plain-producer.ts'

/** How one step of a transaction may wait for brokers. */
const stepMs = 10_000

/** How records are produced. */
export interface ProducerOptions {
  readonly settings: Settings
  readonly transactionTimeoutMs: number
}

export interface TransactionsParts {
  readonly settings: Settings
  readonly producing: ProducerOptions
  readonly world: World
  readonly id: string
  /** The topic in whose name the mark is kept. */
  readonly topic: string
}

/**
 * Opens the producer of an id. The mark is the offset that the group of the consumer has in partition 0 of the topic: it is
 * a part of each transaction. It is read after the producers before this one can change it no more.
 */
export async function openTransactions(
  client: NativeModule,
  consumer: NativeConsumer,
  { settings, producing, world, id, topic }: TransactionsParts,
): Promise<TransactionProducer> {
  const { signal } = world
  const producer = new client.Producer({
    ...settings,
    ...producing.settings,
    'transactional.id': id,
    'transaction.timeout.ms': producing.transactionTimeoutMs,
  })
  producer.on('event.error', () => {})
  const opened = new NativeTransactions(producer, consumer, world, topic)
  try {
    await begin(producer)
    await orAborted(
      call((callback) => producer.initTransactions(stepMs, callback)),
      signal,
    )
    await orAborted(opened.readMark(), signal)
    return opened
  } catch (error) {
    await opened.close()
    throw error
  }
}

class NativeTransactions implements TransactionProducer {
  mark: number | undefined
  readonly #producer: NativeProducer
  readonly #consumer: NativeConsumer
  readonly #world: World
  readonly #topic: string
  #isOpen = false

  constructor(producer: NativeProducer, consumer: NativeConsumer, world: World, topic: string) {
    this.#producer = producer
    this.#consumer = consumer
    this.#world = world
    this.#topic = topic
  }

  async readMark(): Promise<void> {
    const place = [{ topic: this.#topic, partition: 0 }]
    const [found] = await call<readonly (NativePartition | Error)[]>((callback) =>
      this.#consumer.committed(place, stepMs, callback),
    )
    if (found instanceof Error || found === undefined) {
      throw new KafkaFailure(0, `the mark cannot be read: ${found?.message ?? 'no answer'}`, false)
    }
    this.mark = found.offset === undefined || found.offset < 0 ? undefined : found.offset
  }

  async commit(chunks: AsyncIterable<readonly ReadyRecord[]>, mark: number): Promise<void> {
    const producer = this.#producer
    const { signal } = this.#world
    this.#isOpen = true
    await call((callback) => producer.beginTransaction(callback))
    for await (const records of chunks) {
      signal.throwIfAborted()
      for (const record of records) {
        while (!produce(producer, record)) await this.#makeRoom()
      }
    }
    const offsets = [{ topic: this.#topic, partition: 0, offset: mark }]
    const step = (begun: Promise<unknown>): Promise<unknown> => orAborted(begun, signal)
    await step(
      call((callback) => producer.sendOffsetsToTransaction(offsets, this.#consumer, stepMs, callback)),
    )
    await step(call((callback) => producer.commitTransaction(stepMs * 3, callback)))
    this.#isOpen = false
    this.mark = mark
  }

  async close(): Promise<void> {
    const producer = this.#producer
    if (this.#isOpen) {
      // Readers need not wait for its timeout then.
      await call((callback) => producer.abortTransaction(1_000, callback)).catch(() => {})
    }
    await call((callback) => producer.disconnect(1, callback)).catch(() => {})
  }

  async #makeRoom(): Promise<void> {
    this.#world.signal.throwIfAborted()
    await call((callback) => this.#producer.flush(100, callback)).catch((error: unknown) => {
      if (!(error instanceof KafkaFailure) || error.code !== codes.timedOut) throw error
    })
    this.#producer.poll()
  }
}
