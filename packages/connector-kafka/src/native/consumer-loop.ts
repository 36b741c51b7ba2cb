import type { Feed, FeedListener, KafkaFailure } from '../cluster.ts'
import { splitOf, type KafkaHeader, type KafkaRecord, type TopicPartition } from '../record.ts'
import { call, codes, failureOf } from './native-call.ts'
import { Refusals } from './refusals.ts'
import type { NativeConsumer, NativeMessage } from './native-module.ts'

/** How many records one call takes at most. */
const callRecords = 1_000

/** Errors after which a partition delivers nothing more. */
const stopping: ReadonlySet<number> = new Set([codes.noOffset, codes.unknownPartition, codes.unknownTopic, 3])

interface OpenFeed {
  readonly listener: FeedListener
  readonly topic: string
  readonly partition: number
  /** What the current call has brought. */
  batch: KafkaRecord[]
}

/**
 * Reads all partitions of one consumer and hands their records on. It never waits in the client: the client calls when its
 * queue is no longer empty, so no thread of the process is held up.
 *
 * Partitions are added and removed between two calls, so that records of a feed that was closed never reach one that was
 * opened after it.
 */
export class ConsumerLoop {
  readonly #consumer: NativeConsumer
  readonly #feeds = new Map<string, OpenFeed>()
  readonly #changes: (() => void)[] = []
  #isAwake = false
  #isClosed = false
  #resume: (() => void) | undefined
  #heard: (() => void)[] = []
  #running: Promise<void> | undefined
  readonly #refusals = new Refusals()

  constructor(consumer: NativeConsumer) {
    this.#consumer = consumer
    consumer.on('event.error', ({ message }) => this.#refusals.error(message))
    consumer.on('event.log', ({ message }) => this.#refusals.log(message))
    consumer.on('data', (message) => this.#take(message))
    consumer.on('partition.eof', ({ topic, partition, offset }) => {
      const feed = this.#feeds.get(splitOf({ topic, partition }))
      if (feed === undefined) return
      this.#hand(feed)
      feed.listener.caughtUp(offset)
    })
  }

  /** Why brokers refuse this client, or cannot be reached at all; undefined if that is not known. */
  get refusal(): KafkaFailure | undefined {
    return this.#refusals.found
  }

  start(): void {
    this.#consumer.setDefaultConsumeTimeout(0)
    this.#running = this.#run()
  }

  wake(): void {
    this.#isAwake = true
    this.#resume?.()
  }

  /** Resolves when everything that the client has to say now was heard. */
  hear(): Promise<void> {
    return new Promise((resolve) => {
      this.#change(() => void this.#heard.push(resolve))
    })
  }

  /** Begins to deliver a partition. */
  add({ topic, partition }: TopicPartition, offset: number, listener: FeedListener): Promise<Feed> {
    const split = splitOf({ topic, partition })
    const feed: OpenFeed = { listener, topic, partition, batch: [] }
    const opened = this.#feedOf(feed, split)
    return new Promise((resolve, reject) => {
      this.#change(() => {
        try {
          this.#consumer.incrementalAssign([{ topic, partition, offset }])
          this.#feeds.set(split, feed)
          resolve(opened)
        } catch (error) {
          reject(failureOf(error as Error))
        }
      })
    })
  }

  /** Ends the loop. No call is under way after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.wake()
    await this.#running
  }

  #feedOf(feed: OpenFeed, split: string): Feed {
    const consumer = this.#consumer
    const { topic, partition } = feed
    const place = [{ topic, partition }]
    const ifOpen = (change: () => void): void =>
      this.#change(() => {
        if (this.#feeds.get(split) === feed) change()
      })
    return {
      get end() {
        return endOf(consumer, topic, partition)
      },
      pause: () => ifOpen(() => consumer.pause(place)),
      resume: () => ifOpen(() => consumer.resume(place)),
      close: () =>
        ifOpen(() => {
          this.#feeds.delete(split)
          consumer.resume(place)
          consumer.incrementalUnassign(place)
        }),
    }
  }

  #change(change: () => void): void {
    this.#changes.push(change)
    this.wake()
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      this.#isAwake = false
      for (const change of this.#changes.splice(0)) change()
      const heard = this.#heard.splice(0)
      const taken = await this.#consume()
      for (const resolve of heard) resolve()
      if (taken > 0 || this.#isAwake || this.#isClosed) continue
      await new Promise<void>((resolve) => (this.#resume = resolve))
      this.#resume = undefined
    }
  }

  async #consume(): Promise<number> {
    try {
      const messages = (await call<unknown>((callback) =>
        this.#consumer.consume(callRecords, callback),
      )) as readonly unknown[]
      for (const feed of this.#feeds.values()) this.#hand(feed)
      return messages.length
    } catch (error) {
      const failure = failureOf(error as Error)
      // The client does not say which partition it means.
      if (failure.isFinal || stopping.has(failure.code)) {
        for (const { listener } of this.#feeds.values()) listener.failed(failure)
      }
      // There may be more behind the error.
      return failure.code === codes.timedOut ? 0 : 1
    }
  }

  #take(message: NativeMessage): void {
    const { topic, partition, offset, timestamp, key, value, headers } = message
    const feed = this.#feeds.get(splitOf(message))
    feed?.batch.push({
      topic,
      partition,
      offset,
      timestamp,
      key,
      value,
      headers: headers === undefined ? noHeaders : headers.map(headerOf),
    })
  }

  #hand(feed: OpenFeed): void {
    if (feed.batch.length === 0) return
    const { batch } = feed
    feed.batch = []
    feed.listener.records(batch, batch.at(-1)!.offset + 1)
  }
}

/** The end of a partition, if the client knows it already. */
function endOf(consumer: NativeConsumer, topic: string, partition: number): number | undefined {
  try {
    const { highOffset } = consumer.getWatermarkOffsets(topic, partition)
    return highOffset >= 0 ? highOffset : undefined
  } catch {
    return undefined
  }
}

const noHeaders: readonly KafkaHeader[] = []

function headerOf(header: Readonly<Record<string, Uint8Array>>): KafkaHeader {
  const [pair] = Object.entries(header)
  return pair ?? ['', new Uint8Array(0)]
}
