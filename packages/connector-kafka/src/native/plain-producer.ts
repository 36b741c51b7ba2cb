import { KafkaFailure, type RecordProducer } from '../cluster.ts'
import type { Settings } from '../options.ts'
import type { Outage } from '../patience.ts'
import type { ReadyRecord } from '../record.ts'
import { call, codes, failureOf } from './native-call.ts'
import type { NativeModule, NativeProducer } from './native-module.ts'

/** How long one call waits for records to be stored. */
const flushMs = 1_000

/** Sends records with an idempotent producer: repeated by the client until brokers have them, in order. */
export class PlainProducer implements RecordProducer {
  readonly #producer: NativeProducer
  readonly #signal: AbortSignal
  readonly #outage: Outage
  /** Sent, and not reported yet. */
  #open = 0
  #failure: KafkaFailure | undefined

  static async open(
    client: NativeModule,
    settings: Settings,
    signal: AbortSignal,
    outage: Outage,
  ): Promise<PlainProducer> {
    const producer = new client.Producer({ 'message.timeout.ms': 0, ...settings, dr_cb: true })
    const plain = new PlainProducer(producer, signal, outage)
    await begin(producer)
    return plain
  }

  private constructor(producer: NativeProducer, signal: AbortSignal, outage: Outage) {
    this.#producer = producer
    this.#signal = signal
    this.#outage = outage
    producer.on('event.error', (error) => {
      // It reconnects by itself; records wait.
      if (error.code === codes.allBrokersDown) outage.began(failureOf(error))
    })
    producer.on('delivery-report', (error) => {
      this.#open--
      if (error !== null && error !== undefined) this.#failure ??= failureOf(error)
      else this.#outage.ended()
    })
  }

  async send(records: readonly ReadyRecord[]): Promise<void> {
    for (const record of records) {
      while (!produce(this.#producer, record)) await this.#wait()
      this.#open++
    }
    this.#producer.poll()
    this.#raise()
  }

  async flush(): Promise<void> {
    // Reports may come later than the end of the call.
    while (this.#open > 0) await this.#wait()
    this.#raise()
  }

  async close(): Promise<void> {
    await call((callback) => this.#producer.disconnect(1, callback)).catch(() => {})
  }

  async #wait(): Promise<void> {
    this.#signal.throwIfAborted()
    await call((callback) => this.#producer.flush(flushMs, callback)).catch((error: unknown) => {
      if (!(error instanceof KafkaFailure) || error.code !== codes.timedOut) throw error
    })
    this.#producer.poll()
    this.#raise()
  }

  #raise(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** Starts a producer without its look for brokers: it finds them when it sends. */
export async function begin(producer: NativeProducer): Promise<void> {
  producer.getMetadata = (_options, callback) => callback(null, { topics: [] })
  await call((callback) => producer.connect({}, callback))
}

/** Puts a record into the queue of the producer. False if there is no room. Throws a `KafkaFailure`. */
export function produce(producer: NativeProducer, record: ReadyRecord): boolean {
  const { topic, partition, key, value, headers, timestamp } = record
  const named =
    headers.length === 0 ? undefined : headers.map(([name, content]) => ({ [name]: asBuffer(content) }))
  try {
    producer.produce(
      topic,
      partition,
      value === null ? null : asBuffer(value),
      key === null ? null : asBuffer(key),
      timestamp,
      undefined,
      named,
    )
    return true
  } catch (error) {
    const failure = failureOf(error as Error)
    if (failure.code === codes.queueFull) return false
    throw failure
  }
}

/** No bytes, in memory that is there: the client takes an empty buffer without memory for null, a tombstone. */
const empty = Buffer.from(new ArrayBuffer(1), 0, 0)

/** The same bytes as the class that the client asks for. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return empty
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
