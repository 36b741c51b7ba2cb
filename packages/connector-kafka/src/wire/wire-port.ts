import { MillraceError } from '@millrace/core'
import { KafkaFailure } from '../cluster.ts'
import type { GroupMember, GroupOptions } from '../group/group.ts'
import { Membership } from '../group/membership.ts'
import type { AtomicProducer, ConnectPort, KafkaPort, NewTopic } from '../kafka-port.ts'
import { checkConnection, type KafkaOptions } from '../options.ts'
import { pause } from '../patience.ts'
import { splitOf, type TopicPartition } from '../record.ts'
import { createTopicsRequest, deleteRecordsRequest, type CreatedTopic } from './admin-request.ts'
import { answeredFailure, codes } from './codes.ts'
import { firstError } from './coordinator.ts'
import { allowManyListeners, machineNetwork } from './doors/socket.ts'
import { brokersConnect } from './first-contact.ts'
import type { Network } from './line.ts'
import { latestTime, offsetRequest } from './request.ts'
import { WireAtomic } from './wire-atomic.ts'
import { WireGroup } from './wire-group.ts'
import { WireReader, type WireConnection } from './wire-reader.ts'

/** The pause before it is looked again whether new topics are there. */
const lookAgainMs = 20

/** Returns what connects a job on several machines to the cluster of `options`. */
export function connectPort(
  options: KafkaOptions,
  network: Network = machineNetwork(options.tls ?? false),
): ConnectPort {
  const connect = brokersConnect(options, network)
  return async (what, world) => {
    checkConnection(what, options, [])
    allowManyListeners(world.signal)
    return new WirePort(await connect(what, world))
  }
}

/** A cluster through connections of our own, as a job on several machines uses it. */
class WirePort extends WireReader implements KafkaPort {
  readonly #members = new Set<Membership>()

  constructor(connection: WireConnection) {
    super(connection, 1)
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.patience.repeat(async () => {
      const missing = await this.#missing(topics)
      if (missing.length === 0) return
      await this.#create(missing)
      await this.#until(() => this.#isThere(missing))
    })
  }

  async deleteRecords(of: TopicPartition, before: number): Promise<void> {
    const { brokers, requestMs } = this.connection
    await this.atLeader(of, async (leader) => {
      const errors = await brokers.askAt(leader, deleteRecordsRequest(of, before, requestMs))
      const failure = answeredFailure(firstError(errors), `deleting records of ${splitOf(of)}`)
      // The end of a partition does not come by waiting.
      if (failure?.code === codes.offsetOutOfRange)
        throw new KafkaFailure(failure.code, failure.message, true)
      if (failure !== undefined) throw failure
    })
  }

  atomic(id: string, transactionTimeoutMs: number): Promise<AtomicProducer> {
    const { brokers, world, requestMs } = this.connection
    return this.patience.repeat(() =>
      WireAtomic.open({ brokers, world, id, requestMs, transactionTimeoutMs }),
    )
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    const { brokers, world, requestMs } = this.connection
    const { group, rebalanceMs } = options
    const coordinator = new WireGroup({ brokers, world, group, rebalanceMs, requestMs })
    const member = await Membership.join({ coordinator, options, world, address: this.address })
    this.#members.add(member)
    return member
  }

  override async close(): Promise<void> {
    for (const member of this.#members) member.end()
    await super.close()
  }

  /** Those topics that do not exist. Throws `OPTION_INVALID` for one with other partitions. */
  async #missing(topics: readonly NewTopic[]): Promise<readonly NewTopic[]> {
    const missing: NewTopic[] = []
    for (const topic of topics) {
      const found = await this.connection.brokers.topic(topic.name)
      if (found === undefined) missing.push(topic)
      else if (found.partitions.length !== topic.partitions)
        throw otherPartitions(topic, found.partitions.length)
    }
    return missing
  }

  async #create(topics: readonly NewTopic[]): Promise<void> {
    const { brokers, requestMs } = this.connection
    const request = createTopicsRequest(topics, requestMs)
    const { controller } = await brokers.metadata([])
    const place = brokers.broker(controller)
    const answers = await (place === undefined ? brokers.askAny(request) : brokers.askAt(place, request))
    for (const answer of answers) {
      const failure = creationFailure(answer)
      if (failure !== undefined) throw failure
    }
  }

  /** Whether each partition has a leader that serves it. The controller answers before that. */
  async #isThere(topics: readonly NewTopic[]): Promise<boolean> {
    if ((await this.#missing(topics)).length > 0) return false
    const asking = topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => this.#isServed({ topic: name, partition })),
    )
    return (await Promise.all(asking)).every(Boolean)
  }

  async #isServed(of: TopicPartition): Promise<boolean> {
    const { brokers } = this.connection
    try {
      const answer = await brokers.askAt(await brokers.leader(of), offsetRequest(of, latestTime, 1))
      return answer?.error === codes.none
    } catch (error) {
      if (!(error instanceof KafkaFailure) || error.isFinal) throw error
      return false
    }
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const { world, requestMs } = this.connection
    for (let waitedMs = 0; !(await isSo()); waitedMs += lookAgainMs) {
      if (waitedMs > requestMs) throw answeredFailure(codes.noLeader, 'a new topic')!
      await pause(world.clock, world.signal, lookAgainMs)
      world.signal.throwIfAborted()
    }
  }
}

function otherPartitions({ name, partitions }: NewTopic, existing: number): MillraceError {
  const message = `topic ${name} has ${existing} partitions, and ${partitions} are needed; use another name, or delete it`
  return new MillraceError('OPTION_INVALID', message, { isFinal: true })
}

function creationFailure({ name, error, message }: CreatedTopic): KafkaFailure | undefined {
  // Another process was faster.
  if (error === codes.topicExists) return undefined
  const failure = answeredFailure(error, `topic ${name}`)
  if (failure === undefined || message === null) return failure
  return new KafkaFailure(failure.code, `${failure.message}: ${message}`, failure.isFinal)
}
