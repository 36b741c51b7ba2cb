import { describeError, MillraceError } from '@millrace/core'
import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { Connect, RecordProducer, WritableCluster } from './cluster.ts'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'
import type { ReadyRecord } from './record.ts'

/** So many records are handed to the client at a time. */
const chunkRecords = 500

/** Writes records at least once: they are sent at once, and a checkpoint waits until brokers have them. */
export class PlainSink<T> implements Sink<T, never> {
  readonly kind = 'kafka-plain'
  readonly guarantee = 'at-least-once'
  readonly reconnects = true
  readonly needsMainThread = true
  readonly #connect: Connect<WritableCluster>
  readonly #options: OutgoingOptions<T>

  constructor(connect: Connect<WritableCluster>, options: OutgoingOptions<T>) {
    this.#connect = connect
    this.#options = options
  }

  async check(_pending: readonly never[], context: ConnectorContext): Promise<void> {
    const cluster = await this.#open(context)
    await cluster.close()
  }

  async open(
    _subtask: number,
    _pending: readonly never[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, never>> {
    const cluster = await this.#open(context)
    try {
      return new PlainWriter(`sink ${context.name}`, this.#options, cluster, await cluster.producer())
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async #open(context: ConnectorContext): Promise<WritableCluster> {
    const what = `sink ${context.name}`
    const cluster = await this.#connect(what, context, { group: 'millrace' })
    try {
      await new Outgoing(this.#options, cluster).checkTopic(what)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }
}

class PlainWriter<T> implements SinkWriter<T, never> {
  readonly #what: string
  readonly #outgoing: Outgoing<T>
  readonly #cluster: WritableCluster
  readonly #producer: RecordProducer
  #records: ReadyRecord[] = []

  constructor(what: string, options: OutgoingOptions<T>, cluster: WritableCluster, producer: RecordProducer) {
    this.#what = what
    this.#outgoing = new Outgoing(options, cluster)
    this.#cluster = cluster
    this.#producer = producer
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    await this.#outgoing.each(batch, reject, (record) => {
      this.#records.push(record)
      return this.#records.length < chunkRecords ? undefined : this.#send()
    })
    await this.#send()
  }

  async prepare(): Promise<undefined> {
    await this.#named(() => this.#producer.flush())
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.#cluster.close()
  }

  async #send(): Promise<void> {
    const records = this.#records
    this.#records = []
    await this.#named(() => this.#producer.send(records))
  }

  async #named(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      const message = `${this.#what}: records cannot be written to Kafka on ${this.#cluster.address}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }
}
