import { MillraceError } from '@millrace/core'
import {
  answeredFailure,
  codes,
  splitOf,
  type KafkaFailure,
  type NewTopic,
  type TopicPartition,
} from '@millrace/connector-kafka/port'
import { PartitionLog } from './partition-log.ts'

/** A batch may have so many bytes, unless the topic says otherwise. */
const batchBytesMax = 1_048_588

interface Topic {
  readonly settings: Readonly<Record<string, string>>
  readonly logs: readonly PartitionLog[]
}

/** The topics of a cluster. */
export class TopicList {
  readonly #topics = new Map<string, Topic>()
  readonly #watching = new Set<() => void>()

  /** All topics, with their number of partitions. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#topics].map(([name, { logs }]) => [name, logs.length]))
  }

  /** Throws a `KafkaFailure` if the topic may not be created, and `OPTION_INVALID` if it exists with other partitions. */
  create(topics: readonly NewTopic[]): void {
    for (const { name, partitions, settings } of topics) {
      const existing = this.#topics.get(name)?.logs.length
      if (existing !== undefined && existing !== partitions) {
        const message = `topic ${name} has ${existing} partitions, and ${partitions} are needed; use another name, or delete it`
        throw new MillraceError('OPTION_INVALID', message, { isFinal: true })
      }
      if (existing !== undefined) continue
      if (!/^[\w.-]{1,249}$/.test(name)) throw answeredFailure(codes.badName, `topic ${name}`)!
      const logs = Array.from({ length: partitions }, () => new PartitionLog())
      this.#topics.set(name, { settings, logs })
      for (const created of this.#watching) created()
    }
  }

  find({ topic, partition }: TopicPartition): PartitionLog | undefined {
    return this.#topics.get(topic)?.logs[partition]
  }

  /** Throws a `KafkaFailure` if there is none. */
  log(of: TopicPartition): PartitionLog {
    const log = this.find(of)
    if (log === undefined) throw answeredFailure(codes.unknownPartition, splitOf(of))!
    return log
  }

  logs(topic: string): readonly PartitionLog[] {
    return this.#topics.get(topic)?.logs ?? []
  }

  /** Whether records of a topic may be deleted: not where they are only compacted. */
  deletes(topic: string): boolean {
    return this.#topics.get(topic)?.settings['cleanup.policy'] !== 'compact'
  }

  /** Why a topic takes no such batch; undefined if it does. */
  refusal(of: TopicPartition, bytes: number, hasKeys: boolean): KafkaFailure | undefined {
    const { settings } = this.#topics.get(of.topic)!
    const isTooLarge = bytes > Number(settings['max.message.bytes'] ?? batchBytesMax)
    if (isTooLarge) return answeredFailure(codes.tooLarge, splitOf(of))
    const isCompacted = settings['cleanup.policy']?.includes('compact') === true
    return isCompacted && !hasKeys ? answeredFailure(codes.refusedRecord, splitOf(of)) : undefined
  }

  /** Calls back when a topic was created, until it is disposed. */
  watch(created: () => void): Disposable {
    this.#watching.add(created)
    return { [Symbol.dispose]: () => void this.#watching.delete(created) }
  }
}
