import type { ConnectorContext } from '@millrace/core/connector'
import { partitionOfKey } from './partitioner.ts'
import { sizeOf, type KafkaRecord, type PackedBatch, type ReadyRecord } from './record.ts'
import { BatchEncoder, stamp } from './wire/batch-encoder.ts'
import type { Compressor } from './wire/compression.ts'
import { batchAt, recordsOf } from './wire/record-batch.ts'

/** A batch is finished before it has more bytes, unless a single record has more. */
const batchBytesMax = 1_000_000
/** When all open batches have so many bytes, they are finished. */
const openBytesMax = 32 * 2 ** 20
/** What a batch adds to a record at most, besides the lengths of headers. */
const recordOverhead = 40

/** How records are packed. */
export interface PackingOptions {
  readonly compressor: Compressor | undefined
  /** The largest record that is allowed, so that a batch is allowed as well. */
  readonly maxRecordBytes: number
}

interface OpenTopic {
  /** The open batches, by partition. */
  readonly batches: Map<number, BatchEncoder>
  /** The partition of the records that name none and have no key: one until its batch is finished, then another. */
  current: number | undefined
}

/** Packs records into batches: those of one partition stay in their order. */
export class Packing {
  readonly #compressor: Compressor | undefined
  readonly #batchBytes: number
  readonly #world: Pick<ConnectorContext, 'clock' | 'random'>
  readonly #topics = new Map<string, OpenTopic>()
  #openBytes = 0

  constructor(
    { compressor, maxRecordBytes }: PackingOptions,
    world: Pick<ConnectorContext, 'clock' | 'random'>,
  ) {
    this.#compressor = compressor
    this.#batchBytes = Math.min(batchBytesMax, maxRecordBytes)
    this.#world = world
  }

  /** Adds a record, whose topic has so many partitions. Returns the batches that are finished, which are seldom any. */
  add(record: ReadyRecord, partitions: number): readonly PackedBatch[] {
    const topic = this.#topic(record.topic)
    const largest = this.#batchBytes - sizeOf(record) - recordOverhead
    let finished = none
    for (;;) {
      const partition = this.#partition(record, topic, partitions)
      let batch = topic.batches.get(partition)
      if (batch === undefined) topic.batches.set(partition, (batch = new BatchEncoder()))
      const before = batch.length
      if (batch.count === 0 || before <= largest) {
        batch.add(record, record.timestamp > 0 ? record.timestamp : this.#world.clock.now())
        this.#openBytes += batch.length - before
        return this.#openBytes < openBytesMax ? finished : [...finished, ...this.takeAll()]
      }
      finished = [...finished, this.#finish(record.topic, partition, batch)]
    }
  }

  /** Finishes all open batches. */
  takeAll(): readonly PackedBatch[] {
    const all: PackedBatch[] = []
    for (const [name, { batches }] of this.#topics) {
      for (const [partition, batch] of batches) {
        if (batch.count > 0) all.push(this.#finish(name, partition, batch))
      }
    }
    return all
  }

  #finish(topic: string, partition: number, batch: BatchEncoder): PackedBatch {
    const open = this.#topic(topic)
    if (open.current === partition) open.current = undefined
    const { count, length } = batch
    const bytes = batch.finish(this.#compressor)
    this.#openBytes -= length - batch.length
    return { topic, partition, count, bytes }
  }

  #partition({ partition, key }: ReadyRecord, topic: OpenTopic, partitions: number): number {
    if (partition >= 0) return partition
    if (key !== null) return partitionOfKey(key, partitions)
    return (topic.current ??= this.#world.random.int(partitions))
  }

  #topic(name: string): OpenTopic {
    let topic = this.#topics.get(name)
    if (topic === undefined) this.#topics.set(name, (topic = { batches: new Map(), current: undefined }))
    return topic
  }
}

const none: readonly PackedBatch[] = []

/** The records of a batch, with offsets from 0 on and bytes of their own. The batch is left as it is. */
export function unpacked({ topic, partition, bytes }: PackedBatch): readonly KafkaRecord[] {
  const own = bytes.slice()
  stamp(own, { producer: 0, epoch: 0, sequence: 0, isTransactional: false })
  return recordsOf(batchAt(own, 0)!, { topic, partition }, 0)
}
