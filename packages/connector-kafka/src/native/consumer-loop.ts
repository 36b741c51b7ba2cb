import { KafkaFailure, type Feed, type FeedListener } from '../cluster.ts'
import { splitOf, type KafkaHeader, type KafkaRecord, type TopicPartition } from '../record.ts'
import { call, codes, failureOf } from './native-call.ts'
import type { NativeConsumer, NativeMessage } from './native-module.ts'

/** How many records one call takes at most. */
const callRecords = 1_000

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
  #lastError: KafkaFailure | undefined
  #isClosed = false
  #resume: (() => void) | undefined
  #running: Promise<void> | undefined
  /** Why brokers refuse this client, or cannot be reached at all; undefined if that is not known. */
  refusal: KafkaFailure | undefined

  constructor(consumer: NativeConsumer) {
    this.#consumer = consumer
    consumer.on('event.error', (error) => this.#noteError(failureOf(error)))
    consumer.on('data', (message) => this.#take(message))
    consumer.on('partition.eof', ({ topic, partition, offset }) => {
      const feed = this.#feeds.get(splitOf({ topic, partition }))
      if (feed === undefined) return
      this.#hand(feed)
      feed.listener.caughtUp(offset)
    })
  }

  start(): void {
    this.#consumer.setDefaultConsumeTimeout(0)
    this.#running = this.#run()
  }

  wake(): void {
    this.#isAwake = true
    this.#resume?.()
  }

  /** Begins to deliver a partition. */
  add({ topic, partition }: TopicPartition, offset: number, listener: FeedListener): Promise<Feed> {
    const split = splitOf({ topic, partition })
    const feed: OpenFeed = { listener, topic, partition, batch: [] }
    const place = [{ topic, partition }]
    const ifOpen = (change: () => void): void =>
      this.#change(() => {
        if (this.#feeds.get(split) === feed) change()
      })
    return new Promise((resolve, reject) => {
      this.#change(() => {
        try {
          this.#consumer.incrementalAssign([{ topic, partition, offset }])
          this.#feeds.set(split, feed)
          resolve({
            pause: () => ifOpen(() => this.#consumer.pause(place)),
            resume: () => ifOpen(() => this.#consumer.resume(place)),
            close: () =>
              ifOpen(() => {
                this.#feeds.delete(split)
                this.#consumer.resume(place)
                this.#consumer.incrementalUnassign(place)
              }),
          })
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

  #change(change: () => void): void {
    this.#changes.push(change)
    this.wake()
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      this.#isAwake = false
      for (const change of this.#changes.splice(0)) change()
      const taken = await this.#consume()
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
      if (failure.isFinal || failure.code === codes.noOffset) {
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
    feed.listener.records(batch)
  }

  #noteError(error: KafkaFailure): void {
    const isDecisive =
      error.code === codes.allBrokersDown ||
      error.code === codes.authentication ||
      error.code === codes.resolve ||
      error.code === codes.tls
    // That no broker is there comes last, and the reason before it.
    if (error.code === codes.allBrokersDown && this.#lastError !== undefined) this.refusal ??= this.#lastError
    else if (isDecisive) this.refusal ??= error
    this.#lastError = error
  }
}

const noHeaders: readonly KafkaHeader[] = []

function headerOf(header: Readonly<Record<string, Uint8Array>>): KafkaHeader {
  const [pair] = Object.entries(header)
  return pair ?? ['', new Uint8Array(0)]
}
