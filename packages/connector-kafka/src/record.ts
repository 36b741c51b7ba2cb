import { describeValue, MillraceError, type RecordHeaders } from '@millrace/core'
import { headerValue } from '@millrace/core/connector'

/** A header of a record. Several headers may have the same name. */
export type KafkaHeader = readonly [name: string, value: Uint8Array]

/** A record as it is in a topic. */
export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was created, or appended to the log: the topic's `message.timestamp.type` says which. Milliseconds. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  /** `null` is a tombstone: the key is deleted. */
  readonly value: Uint8Array | null
  readonly headers: readonly KafkaHeader[]
}

/** A record to write. Text is written as UTF-8. */
export interface OutgoingRecord {
  /** Default: the topic of the sink. */
  readonly topic?: string
  /** Default: chosen by the key as Java's clients do, or any partition where there is no key. */
  readonly partition?: number
  readonly key?: string | Uint8Array | null
  /** `null` is a tombstone: the key is deleted. */
  readonly value: string | Uint8Array | null
  /** Default: the headers that the record has in the stream. `{}`: none. */
  readonly headers?: RecordHeaders | readonly KafkaHeader[]
  /** In milliseconds. Default: the event time of the record, or now where there is none. */
  readonly timestamp?: number
}

/** A record that is ready to be sent. */
export interface ReadyRecord {
  readonly topic: string
  /** -1: chosen by the key. */
  readonly partition: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly KafkaHeader[]
  /** 0: when it is packed into a batch. */
  readonly timestamp: number
}

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Records of one partition in the bytes of a batch, whose producer and checksum are written into it when it is sent. */
export interface PackedBatch extends TopicPartition {
  /** How many records it has. */
  readonly count: number
  readonly bytes: Uint8Array
}

/** What a record has in the stream beside its value: its headers, and its event time, which is NaN where there is none. */
export interface Carried {
  readonly time: number
  readonly headers: RecordHeaders
}

/** Throws `CODEC_FAILED` for what is no record. */
export function readyRecord(record: OutgoingRecord, topic: string, carried: Carried): ReadyRecord {
  if (typeof record !== 'object' || record === null) throw unfit(`${describeValue(record, 100)} is no record`)
  const { partition = -1, key = null, value, headers = carried.headers, timestamp = carried.time } = record
  if (value === undefined) throw unfit('the record has no value; write null for a tombstone')
  if (!Number.isSafeInteger(partition) || partition < -1) throw unfit(`partition is ${partition}`)
  return {
    topic: record.topic ?? topic,
    partition,
    key: key === null ? null : bytesOf(key, 'the key'),
    value: value === null ? null : bytesOf(value, 'the value'),
    headers: headersOf(headers),
    timestamp: timestamp > 0 && Number.isFinite(timestamp) ? Math.trunc(timestamp) : 0,
  }
}

/** The headers of a record as the stream carries them: text where they are UTF-8. Of those with one name the last counts. */
export function carriedHeaders({ headers }: Pick<KafkaRecord, 'headers'>): RecordHeaders | undefined {
  if (headers.length === 0) return undefined
  return Object.fromEntries(headers.map(([name, value]) => [name, headerValue(value)]))
}

/** About how many bytes a record has in a topic. */
export function sizeOf({ key, value, headers }: Pick<ReadyRecord, 'key' | 'value' | 'headers'>): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers) size += name.length + content.length + 10
  return size
}

function headersOf(headers: NonNullable<OutgoingRecord['headers']>): readonly KafkaHeader[] {
  const pairs = isList(headers) ? headers : Object.entries(headers)
  return pairs.map(([name, value]) => [name, bytesOf(value, `header ${name}`)])
}

function isList(headers: NonNullable<OutgoingRecord['headers']>): headers is readonly KafkaHeader[] {
  return Array.isArray(headers)
}

function bytesOf(value: string | Uint8Array, what: string): Uint8Array {
  // Short text goes into memory that several share: quicker than memory of its own, and copied soon.
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return value
  throw unfit(`${what} is ${describeValue(value, 100)}; give text or bytes`)
}

function unfit(problem: string): MillraceError {
  return new MillraceError('CODEC_FAILED', problem)
}

/** Topics with their partitions. */
export function byTopic<T extends TopicPartition>(
  parts: readonly T[],
): readonly (readonly [string, readonly T[]])[] {
  const topics = new Map<string, T[]>()
  for (const part of parts) {
    const others = topics.get(part.topic)
    if (others === undefined) topics.set(part.topic, [part])
    else others.push(part)
  }
  return [...topics]
}

/** "orders-0", as Kafka's own tools write it. */
export function splitOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** The partition that a split names; undefined if it names none. */
export function partitionOf(split: string): TopicPartition | undefined {
  const [, topic, partition] = /^(.+)-(\d+)$/s.exec(split) ?? []
  return topic === undefined ? undefined : { topic, partition: Number(partition) }
}
