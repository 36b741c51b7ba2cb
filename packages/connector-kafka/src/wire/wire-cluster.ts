import {
  KafkaFailure,
  type Connect,
  type ConnectOptions,
  type GroupOffset,
  type ReadableCluster,
  type RecordProducer,
  type TransactionProducer,
  type WritableCluster,
} from '../cluster.ts'
import type { KafkaOptions } from '../options.ts'
import type { TopicPartition } from '../record.ts'
import { Coordinator, firstError } from './coordinator.ts'
import { machineNetwork } from './doors/socket.ts'
import { brokersConnect } from './first-contact.ts'
import type { Network } from './line.ts'
import { commitRequest, latestTime } from './request.ts'
import { WireProducer } from './wire-producer.ts'
import { WireReader, type WireConnection } from './wire-reader.ts'
import { openTransactions } from './wire-transactions.ts'

/** Returns what connects to the cluster of `options`. */
export function wireConnect(
  options: KafkaOptions,
  network: Network = machineNetwork(options.tls ?? false),
): Connect<ReadableCluster & WritableCluster> {
  const connect = brokersConnect(options, network)
  return async (what, world, how) => new WireCluster(await connect(what, world), how)
}

/** A cluster through connections of our own. */
class WireCluster extends WireReader implements ReadableCluster, WritableCluster {
  readonly #how: ConnectOptions
  readonly #group: Coordinator

  constructor(connection: WireConnection, how: ConnectOptions) {
    super(connection, how.readsUncommitted === true ? 0 : 1)
    const { brokers, world, requestMs } = connection
    this.#how = how
    this.#group = new Coordinator({ brokers, kind: 'group', key: how.group, world, patienceMs: requestMs })
  }

  async offsetAt(of: TopicPartition, time: number): Promise<number> {
    const found = await this.offset(of, time)
    return found >= 0 ? found : this.offset(of, latestTime)
  }

  async commit(offsets: readonly GroupOffset[]): Promise<void> {
    try {
      await this.#commitOnce(offsets)
    } catch (error) {
      if (!(error instanceof KafkaFailure) || error.isFinal) throw error
      // The coordinator may be another one now.
      await this.#commitOnce(offsets)
    }
  }

  producer(idle: () => void): Promise<RecordProducer> {
    const { brokers, requestMs } = this.connection
    return Promise.resolve(new WireProducer({ brokers, patience: this.patience, requestMs, idle }))
  }

  transactions(id: string, topic: string, transactionTimeoutMs: number): Promise<TransactionProducer> {
    const { brokers, world, requestMs } = this.connection
    const common = { brokers, world, group: this.#how.group, requestMs }
    return openTransactions({ ...common, id, topic, transactionTimeoutMs })
  }

  async #commitOnce(offsets: readonly GroupOffset[]): Promise<void> {
    await this.#group.ask(commitRequest(this.#how.group, offsets), firstError)
  }
}
