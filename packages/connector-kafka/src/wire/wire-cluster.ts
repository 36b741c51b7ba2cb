import { durationMs } from '@millrace/core'
import {
  KafkaFailure,
  type Connect,
  type ConnectOptions,
  type Feed,
  type FeedListener,
  type GroupOffset,
  type OffsetRange,
  type ReadableCluster,
  type RecordProducer,
  type TransactionProducer,
  type World,
  type WritableCluster,
} from '../cluster.ts'
import { brokersOf, type KafkaOptions } from '../options.ts'
import { Outage, Patience } from '../patience.ts'
import { splitOf, type TopicPartition } from '../record.ts'
import { refusal } from '../refusal.ts'
import { Brokers, type Place } from './brokers.ts'
import { answeredFailure, codes, failureOf } from './codes.ts'
import { Coordinator, firstError } from './coordinator.ts'
import { machineNetwork } from './doors/socket.ts'
import { Fetching } from './fetching.ts'
import type { Network } from './line.ts'
import { PartitionFeed } from './partition-feed.ts'
import { commitRequest, earliestTime, latestTime, offsetRequest, type Isolation } from './request.ts'
import { WireProducer } from './wire-producer.ts'
import { openTransactions } from './wire-transactions.ts'

/** Returns what connects to the cluster of `options`. */
export function wireConnect(
  options: KafkaOptions,
  network: Network = machineNetwork(options.tls ?? false),
): Connect<ReadableCluster & WritableCluster> {
  let wasReached = false
  return async (what, world, how) => {
    const address = brokersOf(what, options)
    const limitMs = durationMs(options.connectTimeout ?? '10s', `${what}: connectTimeout`)
    const requestMs = durationMs(options.requestTimeout ?? '10s', `${what}: requestTimeout`)
    const { clientId = 'millrace', sasl } = options
    const brokers = new Brokers(
      address.split(',').map(placeOf),
      { network, clientId, sasl, requestMs },
      world,
    )
    const cluster = new WireCluster(brokers, { address, world, how, requestMs })
    try {
      if (wasReached) await new Patience(address, world).repeat(() => brokers.metadata([]))
      else await firstContact(brokers, limitMs, network, world)
    } catch (error) {
      await cluster.close()
      if (world.signal.aborted) throw world.signal.reason
      throw refusal(what, address, error)
    }
    wasReached = true
    return cluster
  }
}

/** "host:port", or "[address]:port" of IPv6. */
function placeOf(address: string): Place {
  const colon = address.lastIndexOf(':')
  return {
    host: address.slice(0, colon).replaceAll(/[[\]]/g, ''),
    port: Number(address.slice(colon + 1)),
  }
}

/** Looks for a broker once: what fails now is a mistake, and no outage. */
function firstContact(
  brokers: Brokers,
  limitMs: number,
  { timer: timerOf }: Network,
  { signal }: World,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = (): void => end(() => reject(signal.reason as Error))
    const timer = timerOf(limitMs, () =>
      end(() => reject(failureOf(codes.timedOut, `no answer for ${limitMs / 1_000} s`))),
    )
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    brokers.metadata([]).then(
      () => end(resolve),
      (error: Error) => end(() => reject(error)),
    )
  })
}

interface Surroundings {
  readonly address: string
  readonly world: World
  readonly how: ConnectOptions
  readonly requestMs: number
}

/** A cluster through connections of our own. */
class WireCluster implements ReadableCluster, WritableCluster {
  readonly address: string
  readonly #brokers: Brokers
  readonly #around: Surroundings
  readonly #isolation: Isolation
  readonly #patience: Patience
  readonly #fetching: Fetching
  readonly #group: Coordinator

  constructor(brokers: Brokers, around: Surroundings) {
    const { address, world, how, requestMs } = around
    this.address = address
    this.#brokers = brokers
    this.#around = around
    this.#group = new Coordinator({ brokers, kind: 'group', key: how.group, world, patienceMs: requestMs })
    this.#isolation = how.readsUncommitted === true ? 0 : 1
    this.#patience = new Patience(address, world)
    this.#fetching = new Fetching(brokers, this.#isolation, world, new Outage(address, world))
    world.signal.addEventListener('abort', this.#abort, { once: true })
  }

  async topics(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await this.#patience.repeat(() => this.#brokers.metadata(undefined))
    return new Map(
      topics.filter(({ error }) => error === 0).map(({ name, partitions }) => [name, partitions.length]),
    )
  }

  async partitions(topic: string): Promise<number | undefined> {
    return (await this.#patience.repeat(() => this.#brokers.topic(topic)))?.partitions.length
  }

  async range(of: TopicPartition): Promise<OffsetRange> {
    return { first: await this.#offset(of, earliestTime), end: await this.#offset(of, latestTime) }
  }

  async offsetAt(of: TopicPartition, time: number): Promise<number> {
    const found = await this.#offset(of, time)
    return found >= 0 ? found : this.#offset(of, latestTime)
  }

  feed(of: TopicPartition, from: number, listener: FeedListener): Promise<Feed> {
    const feed = new PartitionFeed({
      of,
      from,
      listener,
      isolation: this.#isolation,
      changed: (changed) => this.#fetching.changed(changed),
    })
    this.#fetching.add(feed)
    return Promise.resolve(feed)
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
    const { requestMs } = this.#around
    return Promise.resolve(
      new WireProducer({ brokers: this.#brokers, patience: this.#patience, requestMs, idle }),
    )
  }

  transactions(id: string, topic: string, transactionTimeoutMs: number): Promise<TransactionProducer> {
    const { world, how, requestMs } = this.#around
    const common = { brokers: this.#brokers, world, group: how.group, requestMs }
    return openTransactions({ ...common, id, topic, transactionTimeoutMs })
  }

  async close(): Promise<void> {
    this.#around.world.signal.removeEventListener('abort', this.#abort)
    this.#fetching.close()
    await this.#brokers.close()
  }

  readonly #abort = (): void => void this.#brokers.close()

  async #commitOnce(offsets: readonly GroupOffset[]): Promise<void> {
    await this.#group.ask(commitRequest(this.#around.how.group, offsets), firstError)
  }

  #offset(of: TopicPartition, time: number): Promise<number> {
    return this.#patience.repeat(async () => {
      const leader = await this.#brokers.leader(of)
      try {
        const found = await this.#brokers.askAt(leader, offsetRequest(of, time, this.#isolation))
        const failure = answeredFailure(found?.error ?? codes.unknownPartition, `offsets of ${splitOf(of)}`)
        if (failure !== undefined) throw failure
        return found!.offset
      } catch (error) {
        this.#brokers.forget(of)
        throw error
      }
    })
  }
}
