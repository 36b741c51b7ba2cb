import { setTimeout } from 'node:timers/promises'
import { nodePlatform } from '@millrace/node'
import { afterAll } from 'vitest'
import { service, type RunningMember, type RunningService } from '../../../scripts/services/service.ts'
import { Packing } from '../src/packing.ts'
import { byTopic, readyRecord, type PackedBatch } from '../src/record.ts'
import type { NewTopic } from '../src/kafka-port.ts'
import { Patience } from '../src/patience.ts'
import { stamp } from '../src/wire/batch-encoder.ts'
import { createTopicsRequest, deleteRecordsRequest } from '../src/wire/admin-request.ts'
import { Brokers } from '../src/wire/brokers.ts'
import { answeredFailure } from '../src/wire/codes.ts'
import { Coordinator, firstError } from '../src/wire/coordinator.ts'
import { machineNetwork } from '../src/wire/doors/socket.ts'
import { produce } from '../src/wire/produce.ts'
import { latestTime, offsetRequest, type Request } from '../src/wire/request.ts'
import { WireProducer } from '../src/wire/wire-producer.ts'
import { addPartitionsRequest, initRequest, stableOffsetRequest } from '../src/wire/write-request.ts'
import { createPartitionsRequest, deleteTopicRequest, groupRequest } from './admin-requests.ts'
import { transactionsIn } from './transaction-list.ts'

/** A broker for the tests of one file, and means to look at it from outside. */
export interface RealBroker {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly brokers: string
  readonly server: RunningService
  readonly restart: () => Promise<void>
  /** Makes a topic with a name that nothing has used before. */
  readonly freshTopic: (partitions?: number, config?: Readonly<Record<string, string>>) => Promise<string>
  readonly addPartitions: (topic: string, total: number) => Promise<void>
  readonly makeTopic: (topic: string, partitions?: number) => Promise<void>
  readonly deleteTopic: (topic: string) => Promise<void>
  readonly deleteRecords: (topic: string, partition: number, offset: number) => Promise<void>
  /**
   * Writes records, each to a partition or by its key, and waits until the broker has them. With a transactional id they are
   * in a transaction that stays open.
   */
  readonly produce: (topic: string, records: readonly Sent[], transactionalId?: string) => Promise<void>
  /**
   * Waits until the broker has marked the end of each transaction that it has promised to commit or abort. It answers a
   * commit before that, and until then readers of committed records stop in front of the transaction. Open ones stay open.
   */
  readonly transactionsMarked: () => Promise<void>
  /** What a group has committed for a partition. */
  readonly committed: (group: string, topic: string, partition: number) => Promise<number>
  /** How far the partitions of a topic have got: about how many records it has. */
  readonly ends: (topic: string) => Promise<number>
  /** How many members a group has. */
  readonly members: (group: string) => Promise<number>
  /** The process that leads a partition now. Only for brokers that the test has started. */
  readonly leader: (topic: string, partition: number) => Promise<RunningMember>
}

export interface Sent {
  readonly value: string | Uint8Array | null
  readonly key?: string | null
  readonly partition?: number
  readonly timestamp?: number
  readonly headers?: readonly Readonly<Record<string, string>>[]
}

const timeoutMs = 30_000

/** `kafkaCluster` is three brokers. */
export async function realBroker(name: 'kafka' | 'kafkaCluster' = 'kafka'): Promise<RealBroker> {
  const server = await service(name)
  if ('missing' in server) return { missing: server.missing, brokers: '' } as RealBroker
  const outside = new Outside(server.url)
  afterAll(async () => {
    await outside.close()
    await server.stop()
  })
  return {
    missing: undefined,
    brokers: server.url,
    server,
    restart: () => server.restart?.() ?? Promise.resolve(),
    ...adminOf(outside),
    produce: (topic, records, id) => outside.produce(topic, records, id),
    transactionsMarked: async () => {
      while ((await transactionsIn(server.url, ['PrepareCommit', 'PrepareAbort'])) > 0) await setTimeout(20)
    },
    leader: async (topic, partition) => server.members[(await outside.leader(topic, partition)) - 1]!,
    committed: async (group, topic, partition) => {
      const request = stableOffsetRequest(group, { topic, partition })
      return (await outside.coordinator('group', group).ask(request, ({ error }) => error)).offset
    },
  }
}

/** A client that looks at the broker from outside. */
class Outside {
  readonly brokers: Brokers
  readonly #world: ConstructorParameters<typeof Brokers>[2]
  readonly #patience: Patience

  constructor(address: string) {
    const addresses = address.split(',').map((each) => {
      const [host, port] = each.split(':') as [string, string]
      return { host, port: Number(port) }
    })
    const { clock } = nodePlatform()
    const none = (): void => {}
    const { signal } = new AbortController()
    this.#world = { clock, signal, warn: none, down: none, trying: none, up: none }
    this.#patience = new Patience(address, this.#world)
    this.brokers = new Brokers(
      addresses,
      { network: machineNetwork(false), clientId: 'test', sasl: undefined, requestMs: timeoutMs },
      this.#world,
    )
  }

  /** Asks until a broker answers. */
  async change(request: Request<readonly number[]>): Promise<void> {
    const errors = await this.#patience.repeat(() => this.brokers.askAny(request))
    const failure = answeredFailure(firstError(errors), request.name)
    if (failure !== undefined) throw failure
  }

  async create(topic: NewTopic): Promise<void> {
    const answers = await this.#patience.repeat(() =>
      this.brokers.askAny(createTopicsRequest([topic], timeoutMs)),
    )
    const failure = answeredFailure(firstError(answers.map(({ error }) => error)), topic.name)
    if (failure !== undefined) throw failure
  }

  coordinator(kind: 'group' | 'transaction', key: string): Coordinator {
    return new Coordinator({ brokers: this.brokers, kind, key, world: this.#world, patienceMs: timeoutMs })
  }

  async partitions(topic: string): Promise<number> {
    return (await this.#patience.repeat(() => this.brokers.topic(topic)))!.partitions.length
  }

  /** The number of the broker that leads a partition. */
  async leader(topic: string, partition: number): Promise<number> {
    const found = await this.#patience.repeat(() => this.brokers.topic(topic))
    return found!.partitions.find((each) => each.partition === partition)!.leader
  }

  async end(topic: string, partition: number): Promise<number> {
    return this.#patience.repeat(async () => {
      const of = { topic, partition }
      const leader = await this.brokers.leader(of)
      // The next attempt looks for another one.
      this.brokers.forget(of)
      const found = await this.brokers.askAt(leader, offsetRequest(of, latestTime, 0))
      const failure = answeredFailure(found!.error, topic)
      if (failure !== undefined) throw failure
      return found!.offset
    })
  }

  async produce(topic: string, records: readonly Sent[], id: string | undefined): Promise<void> {
    const partitions = await this.partitions(topic)
    const { clock, random } = nodePlatform()
    const packing = new Packing({ compressor: undefined, maxRecordBytes: 1_000_000 }, { clock, random })
    const batches: PackedBatch[] = []
    for (const { headers = [], ...record } of records) {
      const pairs = headers.flatMap((header) => Object.entries(header))
      const own = pairs.map(([name, value]) => [name, Buffer.from(value)] as const)
      if ((record.partition ?? 0) >= partitions) throw new Error(`there is no partition ${record.partition}`)
      const ready = readyRecord({ ...record, headers: own }, topic, { time: Number.NaN, headers: {} })
      batches.push(...packing.add(ready, partitions))
    }
    batches.push(...packing.takeAll())
    if (id !== undefined) await this.#leaveOpen(id, batches)
    else await this.#send(batches)
  }

  close(): Promise<void> {
    return this.brokers.close()
  }

  async #send(batches: readonly PackedBatch[]): Promise<void> {
    const parts = { brokers: this.brokers, patience: this.#patience, requestMs: timeoutMs, idle: () => {} }
    const producer = new WireProducer(parts)
    await producer.send(batches)
    await producer.flush()
  }

  async #leaveOpen(id: string, batches: readonly PackedBatch[]): Promise<void> {
    const transactions = this.coordinator('transaction', id)
    const identity = await transactions.ask(initRequest(id, 60_000), ({ error }) => error)
    await transactions.ask(addPartitionsRequest({ ...identity, id }, batches), firstError)
    for (const [, [first, ...more]] of byTopic(batches)) {
      if (more.length > 0) throw new Error('an open transaction of a test has one batch')
      stamp(first!.bytes, { ...identity, sequence: 0, isTransactional: true })
    }
    const failures = await produce(this.brokers, batches, { id, timeoutMs })
    for (const failure of failures.values()) throw failure
  }
}

function adminOf(
  outside: Outside,
): Pick<
  RealBroker,
  'freshTopic' | 'makeTopic' | 'addPartitions' | 'deleteTopic' | 'deleteRecords' | 'members' | 'ends'
> {
  const run = `${process.pid}-${Date.now().toString(36)}`
  let topics = 0
  const create = async (topic: string, partitions: number, config = {}): Promise<void> => {
    await outside.create({ name: topic, partitions, settings: config })
    // A broker answers before it leads the partitions.
    for (let partition = 0; partition < partitions; partition++) await outside.end(topic, partition)
  }
  return {
    makeTopic: (topic, partitions = 1) => create(topic, partitions),
    freshTopic: async (partitions = 1, config = {}) => {
      const topic = `test-${run}-${topics++}`
      await create(topic, partitions, config)
      return topic
    },
    addPartitions: (topic, total) => outside.change(createPartitionsRequest(topic, total)),
    members: async (group) => {
      const found = await outside.coordinator('group', group).ask(groupRequest(group), ({ error }) => error)
      return found.members
    },
    ends: async (topic) => {
      let sum = 0
      const partitions = await outside.partitions(topic)
      for (let partition = 0; partition < partitions; partition++) sum += await outside.end(topic, partition)
      return sum
    },
    deleteTopic: (topic) => outside.change(deleteTopicRequest(topic)),
    deleteRecords: (topic, partition, offset) =>
      outside.change(deleteRecordsRequest({ topic, partition }, offset, timeoutMs)),
  }
}
