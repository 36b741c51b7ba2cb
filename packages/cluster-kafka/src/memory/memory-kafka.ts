import {
  compressorOf,
  Packing,
  unpacked,
  type KafkaPort,
  type KafkaRecord,
  type ReadyRecord,
  type TopicPartition,
  type World,
} from '@millrace/connector-kafka/port'
import { seededRandom, type Clock, type Random } from '@millrace/world'
import { GroupList } from './group-list.ts'
import type { Delivery } from './memory-feed.ts'
import { MemoryPort } from './memory-port.ts'
import type { LostCommit } from './memory-producer.ts'
import { ProcessLink, type Network, type WatchRequest } from './process-link.ts'
import { TopicList } from './topic-list.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'

/** How a cluster in memory behaves. */
export interface MemoryKafkaOptions {
  /** The clock of the brokers: sessions, rebalances, transactions. */
  readonly clock: Clock
  /** Chooses how long requests take. Default: the seed 1. */
  readonly random?: Random
  /** A request, and its answer, take up to so many milliseconds. Default 0: no time passes. */
  readonly latencyMs?: number
  /** A partition is marked up to so many milliseconds after its transaction was decided. Default 0. */
  readonly markMs?: number
  /** So many records are delivered at a time, at most. Default 500. */
  readonly deliveredMax?: number
  /** How many milliseconds more than a request one delivery of records takes from a partition. Default 0. */
  readonly deliveryMs?: (of: TopicPartition) => number
  /**
   * Sees each request when it leaves its process, and its answer when it leaves the cluster. Returns how many milliseconds more that is on
   * its way. It may call `disconnect` and `kill`. Default 0.
   */
  readonly onRequest?: WatchRequest
}

/** A cluster of Kafka in memory: for tests and the simulator. The same seed and clock give the same steps. */
export class MemoryKafka {
  readonly address = 'memory:9092'
  readonly #clock: Clock
  readonly #network: Network
  #latencyMs: number
  #markMs: number
  #isUp = true
  readonly #topics = new TopicList()
  readonly #transactions: TransactionCoordinator
  readonly #groups: GroupList
  readonly #links = new Map<string, ProcessLink>()
  readonly #losses = new Map<string, LostCommit>()
  readonly #delivery: Delivery

  constructor(options: MemoryKafkaOptions) {
    const { clock, random = seededRandom(1), latencyMs = 0, markMs = 0, onRequest = () => 0 } = options
    const { deliveredMax: recordsMax = 500, deliveryMs: delayMs = () => 0 } = options
    this.#delivery = { recordsMax, delayMs }
    this.#clock = clock
    const requests = random.fork('requests')
    const marks = random.fork('marks')
    this.#latencyMs = latencyMs
    this.#markMs = markMs
    this.#network = {
      clock,
      latency: () => requests.next() * this.#latencyMs,
      isUp: () => this.#isUp,
      onRequest,
    }
    this.#transactions = new TransactionCoordinator({
      topics: this.#topics,
      clock,
      markMs: () => marks.next() * this.#markMs,
    })
    this.#groups = new GroupList(clock)
  }

  /** The cluster as a process uses it. The name of the process is what failures are injected by. */
  port(world: World, process = 'process'): KafkaPort {
    return new MemoryPort({
      address: this.address,
      topics: this.#topics,
      transactions: this.#transactions,
      groups: this.#groups,
      link: this.#link(process),
      world,
      delivery: this.#delivery,
      takeLoss: () => {
        const loss = this.#losses.get(process)
        this.#losses.delete(process)
        return loss
      },
    })
  }

  /** Cuts a process off: its requests fail, or wait until `reconnect`. Its session in a group runs out. */
  disconnect(process: string): void {
    this.#link(process).disconnect()
  }

  /** Ends what `disconnect` began. */
  reconnect(process: string): void {
    this.#link(process).reconnect()
  }

  /** A process was killed: what it has sent still arrives, and it gets no answer. */
  kill(process: string): void {
    this.#link(process).die()
    this.#links.delete(process)
  }

  /** The brokers answer no process until `startBrokers`. They keep everything, and their clocks run. */
  stopBrokers(): void {
    this.#isUp = false
    for (const link of this.#links.values()) link.lost()
  }

  /** Ends what `stopBrokers` began. */
  startBrokers(): void {
    this.#isUp = true
    for (const link of this.#links.values()) link.changed()
  }

  /** From now on requests, and marks of transactions, take up to so many milliseconds. */
  slow(latencyMs: number, markMs: number): void {
    this.#latencyMs = latencyMs
    this.#markMs = markMs
  }

  /** Loses the answer to the next commit of a process, which was carried out, or leaves its transaction open. */
  loseCommit(process: string, outcome: LostCommit): void {
    this.#losses.set(process, outcome)
  }

  /** Writes records outside of transactions. Each names its partition. */
  produce(records: readonly ReadyRecord[]): void {
    const compressor = compressorOf('produce', 'none')
    const packing = new Packing(
      { compressor, maxRecordBytes: 1_000_000 },
      { clock: this.#clock, random: seededRandom(1) },
    )
    const batches = records.flatMap((record) => packing.add(record, this.#topics.logs(record.topic).length))
    for (const batch of [...batches, ...packing.takeAll()]) this.#topics.log(batch).append(unpacked(batch))
  }

  /** The records of a partition that readers get. */
  records(of: TopicPartition): readonly KafkaRecord[] {
    return this.#topics.log(of).read(0, Infinity).records
  }

  /** Compacts all partitions of a topic. Tombstones remain, or are removed as well. */
  compact(topic: string, tombstones: 'kept' | 'removed' = 'kept'): void {
    for (const log of this.#topics.logs(topic)) log.compact(tombstones)
  }

  /** The ids whose transactions are open. */
  get openTransactions(): readonly string[] {
    return this.#transactions.open
  }

  /** The ids of the members of a group. */
  members(group: string): readonly string[] {
    return this.#groups.group(group).memberIds
  }

  #link(process: string): ProcessLink {
    let link = this.#links.get(process)
    if (link === undefined) this.#links.set(process, (link = new ProcessLink(process, this.#network)))
    return link
  }
}
