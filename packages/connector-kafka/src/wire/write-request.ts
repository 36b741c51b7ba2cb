/** The requests that a writer needs, each in one version that all brokers since Kafka 2.5 speak. */
import type { GroupOffset } from '../cluster.ts'
import { byTopic, splitOf, type PackedBatch, type TopicPartition } from '../record.ts'
import type { Cursor } from './cursor.ts'
import type { Request } from './request.ts'
import type { WireWriter } from './wire-writer.ts'

const since = '2.5'

/** A producer, as brokers know it. */
export interface ProducerIdentity {
  readonly producer: number
  /** Grows with each producer of a transactional id: brokers refuse those before the newest. */
  readonly epoch: number
}

/** A producer in transactions. */
export interface TransactionalProducer extends ProducerIdentity {
  readonly id: string
}

/**
 * Makes a producer. With a transactional id it ends the transaction of the producer before it, and fences that producer.
 * `timeoutMs`: after so long the broker ends a transaction.
 */
export function initRequest(
  id: string | null,
  timeoutMs: number,
): Request<ProducerIdentity & { readonly error: number }> {
  return {
    name: 'InitProducerId',
    api: 22,
    version: 1,
    since,
    write: (out) => {
      out.text(id)
      out.int32(timeoutMs)
    },
    read: (answer) => {
      answer.int32()
      return { error: answer.int16(), producer: answer.int64(), epoch: answer.int16() }
    },
  }
}

/** What a broker says to the batch of one partition. */
export interface ProducedPartition {
  readonly error: number
  readonly message: string | null
}

/** Appends batches, one for each partition. The answer is by split. */
export function produceRequest(
  batches: readonly PackedBatch[],
  id: string | null,
  timeoutMs: number,
): Request<ReadonlyMap<string, ProducedPartition>> {
  return {
    name: 'Produce',
    api: 0,
    version: 8,
    since,
    bytes: batches.reduce((sum, { topic, bytes }) => sum + topic.length + bytes.length + 20, 0),
    write: (out) => {
      out.text(id)
      // Answered when all replicas that are in sync have them.
      out.int16(-1)
      out.int32(timeoutMs)
      out.list(byTopic(batches), ([topic, parts]) => {
        out.text(topic)
        out.list(parts, ({ partition, bytes }) => {
          out.int32(partition)
          out.bytes(bytes)
        })
      })
    },
    read: (answer) => {
      const topics = answer.list(() => {
        const topic = answer.text()
        return answer.list(() => readProduced(topic, answer))
      })
      return new Map(topics.flat())
    },
  }
}

function readProduced(topic: string, answer: Cursor): [string, ProducedPartition] {
  const partition = answer.int32()
  const error = answer.int16()
  for (let numbers = 0; numbers < 3; numbers++) answer.int64()
  answer.list(() => {
    answer.int32()
    answer.nullableText()
  })
  return [splitOf({ topic, partition }), { error, message: answer.nullableText() }]
}

/** Makes partitions a part of the transaction. The answer has the errors. */
export function addPartitionsRequest(
  producer: TransactionalProducer,
  partitions: readonly TopicPartition[],
): Request<readonly number[]> {
  return {
    name: 'AddPartitionsToTxn',
    api: 24,
    version: 2,
    since,
    write: (out) => {
      writeProducer(out, producer)
      out.list(byTopic(partitions), ([topic, parts]) => {
        out.text(topic)
        out.list(parts, ({ partition }) => out.int32(partition))
      })
    },
    read: readPartitionErrors,
  }
}

/** Makes the offsets of a group a part of the transaction. */
export function addOffsetsRequest(producer: TransactionalProducer, group: string): Request<number> {
  return {
    name: 'AddOffsetsToTxn',
    api: 25,
    version: 2,
    since,
    write: (out) => {
      writeProducer(out, producer)
      out.text(group)
    },
    read: readError,
  }
}

/** Stores an offset of a group in the transaction. The answer has the errors. */
export function offsetInTransactionRequest(
  { id, producer, epoch }: TransactionalProducer,
  group: string,
  { topic, partition, offset }: GroupOffset,
): Request<readonly number[]> {
  return {
    name: 'TxnOffsetCommit',
    api: 28,
    version: 2,
    since,
    write: (out) => {
      out.text(id)
      out.text(group)
      out.int64(producer)
      out.int16(epoch)
      out.list([topic], (name) => {
        out.text(name)
        out.list([partition], (number) => {
          out.int32(number)
          out.int64(offset)
          out.int32(-1)
          out.text('')
        })
      })
    },
    read: readPartitionErrors,
  }
}

/** Commits the transaction. */
export function commitTransactionRequest(producer: TransactionalProducer): Request<number> {
  return {
    name: 'EndTxn',
    api: 26,
    version: 2,
    since,
    write: (out) => {
      writeProducer(out, producer)
      out.boolean(true)
    },
    read: readError,
  }
}

/**
 * Reads an offset of a group; -1 if it has none. The answer is an error while a transaction is under way that may change it.
 */
export function stableOffsetRequest(
  group: string,
  { topic, partition }: TopicPartition,
): Request<{ readonly error: number; readonly offset: number }> {
  return {
    name: 'OffsetFetch',
    api: 9,
    version: 7,
    since,
    isFlexible: true,
    write: (out) => {
      out.compactText(group)
      out.compactList([topic], (name) => {
        out.compactText(name)
        out.compactList([partition], (number) => out.int32(number))
        out.noTags()
      })
      out.boolean(true)
      out.noTags()
    },
    read: (answer) => {
      answer.int32()
      const topics = answer.compactList(() => {
        answer.compactText()
        const partitions = answer.compactList(() => readOffset(answer))
        answer.skipTags()
        return partitions
      })
      const error = answer.int16()
      const [found] = topics.flat()
      return { error: error === 0 ? (found?.error ?? 0) : error, offset: found?.offset ?? -1 }
    },
  }
}

function readOffset(answer: Cursor): { readonly error: number; readonly offset: number } {
  answer.int32()
  const offset = answer.int64()
  answer.int32()
  answer.compactText()
  const error = answer.int16()
  answer.skipTags()
  return { error, offset }
}

function writeProducer(out: WireWriter, { id, producer, epoch }: TransactionalProducer): void {
  out.text(id)
  out.int64(producer)
  out.int16(epoch)
}

function readError(answer: Cursor): number {
  answer.int32()
  return answer.int16()
}

function readPartitionErrors(answer: Cursor): readonly number[] {
  answer.int32()
  const topics = answer.list(() => {
    answer.text()
    return answer.list(() => {
      answer.int32()
      return answer.int16()
    })
  })
  return topics.flat()
}
