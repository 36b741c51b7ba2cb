import type {
  Connect,
  Feed,
  FeedListener,
  ReadableCluster,
  RecordProducer,
  TransactionProducer,
  WritableCluster,
} from '../src/cluster.ts'
import { KafkaFailure } from '../src/cluster.ts'
import { splitOf, type KafkaRecord, type PackedBatch, type TopicPartition } from '../src/record.ts'
import { stamp } from '../src/wire/batch-encoder.ts'
import { batchAt, recordsOf } from '../src/wire/record-batch.ts'

interface Partition {
  records: KafkaRecord[]
  first: number
  next: number
  readonly listeners: Set<Reading>
}

interface Reading {
  listener: FeedListener
  from: number
  isPaused: boolean
}

/** A cluster in memory with the promises of Kafka: logs with offsets, transactions, marks, fenced producers. */
export class MemoryCluster {
  readonly address = 'memory:9092'
  readonly #partitions = new Map<string, Partition>()
  readonly #counts = new Map<string, number>()
  readonly marks = new Map<string, number>()
  readonly groupOffsets = new Map<string, number>()
  /** The newest producer of each id. */
  readonly #epochs = new Map<string, number>()
  /** Fails the next steps, each with one of these. */
  readonly failures: KafkaFailure[] = []
  connections = 0
  /** Delivers nothing, and says nothing. */
  isSilent = false
  /** What happens after records were committed: an answer may get lost. */
  afterCommit: (() => void | Promise<void>) | undefined

  addTopic(topic: string, partitions: number): void {
    for (let partition = this.#counts.get(topic) ?? 0; partition < partitions; partition++) {
      this.#partitions.set(splitOf({ topic, partition }), {
        records: [],
        first: 0,
        next: 0,
        listeners: new Set(),
      })
    }
    this.#counts.set(topic, partitions)
  }

  append(
    topic: string,
    partition: number,
    record: Partial<KafkaRecord> & { value: Uint8Array | null },
  ): void {
    const log = this.#log({ topic, partition })
    log.records.push({
      topic,
      partition,
      key: null,
      headers: [],
      timestamp: 0,
      ...record,
      offset: log.next++,
    })
    this.#deliver(log)
  }

  /** Offsets that no record has, as those of marks of transactions. */
  skip(topic: string, partition: number, offsets: number): void {
    const log = this.#log({ topic, partition })
    log.next += offsets
    this.#deliver(log)
  }

  /** Deletes the records before an offset, as retention does. */
  trim(topic: string, partition: number, first: number): void {
    const log = this.#log({ topic, partition })
    log.first = first
    log.records = log.records.filter(({ offset }) => offset >= first)
  }

  /** The offset up to which the readers of a partition have got records. */
  handedOut(topic: string, partition: number): number {
    return Math.max(...[...this.#log({ topic, partition }).listeners].map(({ from }) => from))
  }

  records(topic: string): readonly KafkaRecord[] {
    return Array.from(
      { length: this.#counts.get(topic) ?? 0 },
      (_, partition) => this.#log({ topic, partition }).records,
    ).flat()
  }

  readonly connect: Connect<ReadableCluster & WritableCluster> = async (
    _what,
    { signal },
    { group },
  ): Promise<ReadableCluster & WritableCluster> => {
    await this.#step(signal)
    this.connections++
    return {
      address: this.address,
      topics: () => Promise.resolve(this.#counts),
      partitions: (topic) => Promise.resolve(this.#counts.get(topic)),
      range: (of) => Promise.resolve({ first: this.#log(of).first, end: this.#log(of).next }),
      offsetAt: (of, time) => {
        const log = this.#log(of)
        return Promise.resolve(log.records.find(({ timestamp }) => timestamp >= time)?.offset ?? log.next)
      },
      feed: (of, from, listener) => Promise.resolve(this.#feed(of, from, listener)),
      commit: (offsets) => {
        for (const { offset, ...of } of offsets) this.groupOffsets.set(`${group} ${splitOf(of)}`, offset)
        return Promise.resolve()
      },
      producer: (idle) => Promise.resolve(this.#producer(signal, idle)),
      transactions: (id) => this.#transactions(id, signal),
      close: async () => {
        this.connections--
      },
    }
  }

  #log(of: TopicPartition): Partition {
    return this.#partitions.get(splitOf(of))!
  }

  #feed(of: TopicPartition, from: number, listener: FeedListener): Feed {
    const log = this.#log(of)
    const reading: Reading = { listener, from, isPaused: false }
    log.listeners.add(reading)
    const deliver = (): void => queueMicrotask(() => this.#deliver(log))
    deliver()
    return {
      get end() {
        return reading.isPaused ? reading.from : log.next
      },
      pause: () => void (reading.isPaused = true),
      resume: () => {
        reading.isPaused = false
        deliver()
      },
      close: () => void log.listeners.delete(reading),
    }
  }

  #deliver(log: Partition): void {
    for (const reading of log.listeners) {
      if (reading.isPaused || this.isSilent) continue
      const records = log.records.filter(({ offset }) => offset >= reading.from)
      reading.from = log.next
      if (records.length > 0) reading.listener.records(records, log.next)
      if (log.listeners.has(reading)) reading.listener.caughtUp(log.next)
    }
  }

  /** What is sent is there with the next flush. */
  #producer(signal: AbortSignal, idle: () => void): RecordProducer {
    const sent: PackedBatch[] = []
    return {
      get isIdle() {
        return sent.length === 0
      },
      send: async (batches) => {
        sent.push(...batches)
        await Promise.resolve()
      },
      flush: async () => {
        await this.#step(signal)
        for (const batch of sent.splice(0)) this.#write(batch)
        idle()
      },
      close: () => Promise.resolve(),
    }
  }

  async #transactions(id: string, signal: AbortSignal): Promise<TransactionProducer> {
    await this.#step(signal)
    const epoch = (this.#epochs.get(id) ?? 0) + 1
    this.#epochs.set(id, epoch)
    const producer = {
      mark: this.marks.get(id),
      commit: async (chunks: AsyncIterable<readonly PackedBatch[]>, mark: number): Promise<void> => {
        const batches: PackedBatch[] = []
        for await (const chunk of chunks) batches.push(...chunk)
        await this.#step(signal)
        if (this.#epochs.get(id) !== epoch) throw new KafkaFailure(-144, 'fenced by a newer instance', false)
        for (const batch of batches) this.#write(batch)
        this.marks.set(id, mark)
        await this.afterCommit?.()
        producer.mark = mark
      },
      close: () => Promise.resolve(),
    }
    return producer
  }

  #write({ topic, partition, bytes }: PackedBatch): void {
    stamp(bytes, { producer: 1, epoch: 0, sequence: 0, isTransactional: false })
    for (const record of recordsOf(batchAt(bytes, 0)!, { topic, partition }, 0)) {
      this.append(topic, partition, record)
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    await Promise.resolve()
  }
}
