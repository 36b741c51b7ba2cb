import { nodePlatform } from '@millrace/node'
import type { NewTopic } from '../src/kafka-port.ts'
import { Packing } from '../src/packing.ts'
import { Patience } from '../src/patience.ts'
import { byTopic, readyRecord, type PackedBatch } from '../src/record.ts'
import { createTopicsRequest } from '../src/wire/admin-request.ts'
import { stamp } from '../src/wire/batch-encoder.ts'
import { Brokers } from '../src/wire/brokers.ts'
import { answeredFailure } from '../src/wire/codes.ts'
import { Coordinator, firstError } from '../src/wire/coordinator.ts'
import { machineNetwork } from '../src/wire/doors/socket.ts'
import { produce } from '../src/wire/produce.ts'
import { latestTime, offsetRequest, type Request } from '../src/wire/request.ts'
import { WireProducer } from '../src/wire/wire-producer.ts'
import { addPartitionsRequest, initRequest } from '../src/wire/write-request.ts'
import { groupRequest } from './admin-requests.ts'

/** How long a broker may take to answer. */
export const timeoutMs = 30_000

export interface Sent {
  readonly value: string | Uint8Array | null
  readonly key?: string | null
  readonly partition?: number
  readonly timestamp?: number
  readonly headers?: readonly Readonly<Record<string, string>>[]
}

/** A client that looks at brokers from outside, and prepares them. */
export class Outside {
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

  /** The ids of the members of a group. */
  async members(group: string): Promise<readonly string[]> {
    const found = await this.coordinator('group', group).ask(groupRequest(group), ({ error }) => error)
    return found.members
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
