import { describeError, MillraceError } from '@millrace/core'
import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { Connect, RecordProducer, WritableCluster } from './cluster.ts'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'
import { Packing } from './packing.ts'
import type { PackedBatch } from './record.ts'
import type { Compressor } from './wire/compression.ts'

/** Writes records at least once: they are sent at once, and a checkpoint waits until brokers have them. */
export class PlainSink<T> implements Sink<T, never> {
  readonly kind = 'kafka-plain'
  readonly guarantee = 'at-least-once'
  readonly reconnects = true
  readonly #connect: Connect<WritableCluster>
  readonly #options: OutgoingOptions<T>
  readonly #compressor: Compressor | undefined

  constructor(
    connect: Connect<WritableCluster>,
    options: OutgoingOptions<T>,
    compressor: Compressor | undefined,
  ) {
    this.#connect = connect
    this.#options = options
    this.#compressor = compressor
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
      const { maxRecordBytes } = this.#options
      const packing = new Packing({ compressor: this.#compressor, maxRecordBytes }, context)
      const outgoing = new Outgoing(this.#options, cluster, context.clock)
      return await PlainWriter.open(`sink ${context.name}`, { outgoing, packing, cluster })
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async #open(context: ConnectorContext): Promise<WritableCluster> {
    const what = `sink ${context.name}`
    const cluster = await this.#connect(what, context, { group: 'millrace' })
    try {
      await new Outgoing(this.#options, cluster, context.clock).checkTopic(what)
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }
}

interface WriterParts<T> {
  readonly outgoing: Outgoing<T>
  readonly packing: Packing
  readonly cluster: WritableCluster
}

/** Sends a batch when it is full, and also before while nothing else is on its way: so batches grow as brokers need time. */
class PlainWriter<T> implements SinkWriter<T, never> {
  readonly #what: string
  readonly #parts: WriterParts<T>
  readonly #producer: RecordProducer

  static async open<T>(what: string, parts: WriterParts<T>): Promise<PlainWriter<T>> {
    const producer = await parts.cluster.producer(() => {
      // What fails is thrown by the next call.
      producer.send(parts.packing.takeAll()).catch(() => {})
    })
    return new PlainWriter(what, parts, producer)
  }

  private constructor(what: string, parts: WriterParts<T>, producer: RecordProducer) {
    this.#what = what
    this.#parts = parts
    this.#producer = producer
  }

  get bytesWritten(): number {
    return this.#parts.outgoing.bytes
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    const { outgoing, packing } = this.#parts
    await outgoing.each(batch, reject, (record, partitions) => {
      const finished = packing.add(record, partitions)
      return finished.length === 0 ? undefined : this.#send(finished)
    })
    if (this.#producer.isIdle) await this.#send(packing.takeAll())
  }

  async prepare(): Promise<undefined> {
    await this.#send(this.#parts.packing.takeAll())
    await this.#named(() => this.#producer.flush())
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.#parts.cluster.close()
  }

  #send(batches: readonly PackedBatch[]): Promise<void> {
    return this.#named(() => this.#producer.send(batches))
  }

  async #named(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      const message = `${this.#what}: records cannot be written to Kafka on ${this.#parts.cluster.address}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }
}
