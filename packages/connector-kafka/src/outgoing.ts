import { MillraceError, noHeaders, type RecordHeaders } from '@millrace/core'
import type { Batch, ConnectorContext, RejectRecord } from '@millrace/core/connector'
import type { Cluster } from './cluster.ts'
import { invalid } from './options.ts'
import { readyRecord, sizeOf, type OutgoingRecord, type ReadyRecord } from './record.ts'

/** New partitions get records after this time. */
const lookAgainMs = 30_000

/** What records a sink makes of values. */
export interface OutgoingOptions<T> {
  /** Where records go that name no topic. */
  readonly topic: string
  readonly recordOf: (value: T, headers: RecordHeaders) => OutgoingRecord
  /** A larger record is rejected. */
  readonly maxRecordBytes: number
}

/** Makes records of values, and rejects those that the cluster would not take. */
export class Outgoing<T> {
  readonly #options: OutgoingOptions<T>
  readonly #cluster: Pick<Cluster, 'address' | 'partitions'>
  readonly #clock: ConnectorContext['clock']
  /** Topics and their partitions; 0 for a topic that does not exist. */
  readonly #topics = new Map<string, number>()
  #lookedAt: number
  /** About how many bytes the records have that were taken. */
  bytes = 0

  constructor(
    options: OutgoingOptions<T>,
    cluster: Pick<Cluster, 'address' | 'partitions'>,
    clock: ConnectorContext['clock'],
  ) {
    this.#options = options
    this.#cluster = cluster
    this.#clock = clock
    this.#lookedAt = clock.monotonic()
  }

  /** Rejects with `OPTION_INVALID` if the topic of the sink does not exist. */
  async checkTopic(what: string): Promise<void> {
    const { topic } = this.#options
    if ((await this.#partitions(topic)) > 0) return
    throw invalid(what, `there is no topic ${topic} on ${this.#cluster.address}; create it first`)
  }

  /** Calls `take` for each record, with the number of partitions of its topic; a promise that it returns is waited for. */
  async each(
    batch: Batch<T>,
    reject: RejectRecord,
    take: (record: ReadyRecord, partitions: number) => Promise<void> | undefined,
  ): Promise<void> {
    this.#lookForMore()
    for (let index = 0; index < batch.length; index++) {
      const record = this.#made(batch, index, reject)
      if (record === undefined) continue
      const partitions = this.#topics.get(record.topic) ?? (await this.#partitions(record.topic))
      if (partitions === 0 || record.partition >= partitions) {
        reject(index, this.#unknown(record, partitions))
        // Someone may create it.
        this.#topics.delete(record.topic)
        continue
      }
      this.bytes += sizeOf(record)
      const taken = take(record, partitions)
      if (taken !== undefined) await taken
    }
  }

  #made(batch: Batch<T>, index: number, reject: RejectRecord): ReadyRecord | undefined {
    const { topic, recordOf, maxRecordBytes } = this.#options
    let record: ReadyRecord
    try {
      const headers = batch.headers?.[index] ?? noHeaders
      const made = recordOf(batch.values[index]!, headers)
      record = readyRecord(made, topic, { time: batch.times[index]!, headers })
    } catch (error) {
      reject(index, error)
      return undefined
    }
    const size = sizeOf(record)
    if (size <= maxRecordBytes) return record
    const help = `raise maxRecordBytes, and message.max.bytes of the brokers and max.message.bytes of the topic`
    const message = `the record has ${size} bytes, and maxRecordBytes is ${maxRecordBytes}; ${help}`
    reject(index, new MillraceError('RECORD_TOO_LARGE', message))
    return undefined
  }

  async #partitions(topic: string): Promise<number> {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const partitions = (await this.#cluster.partitions(topic)) ?? 0
    this.#topics.set(topic, partitions)
    return partitions
  }

  /** Looks for new partitions from time to time. Nothing waits for that. */
  #lookForMore(): void {
    const now = this.#clock.monotonic()
    if (now - this.#lookedAt < lookAgainMs) return
    this.#lookedAt = now
    for (const [topic, known] of this.#topics) {
      this.#cluster.partitions(topic).then(
        // A broker that starts may not know a topic yet.
        (partitions = 0) => partitions > known && this.#topics.set(topic, partitions),
        () => {},
      )
    }
  }

  #unknown({ topic, partition }: ReadyRecord, partitions: number): MillraceError {
    const problem =
      partitions === 0 ? `there is no topic ${topic}` : `topic ${topic} has no partition ${partition}`
    return new MillraceError('SINK_FAILED', `${problem} on ${this.#cluster.address}`)
  }
}
