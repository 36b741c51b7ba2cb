import {
  compressorOf,
  Packing,
  splitOf,
  type Feed,
  type FeedListener,
  type KafkaPort,
  type KafkaRecord,
  type PackedBatch,
  type TopicPartition,
  type World,
} from '@millrace/connector-kafka/port'
import { seededRandom, sleep, type Clock } from '@millrace/world'

/** A cluster that the suite runs on. */
export interface PortCluster {
  readonly clock: Clock
  connect(world: World): Promise<KafkaPort>
}

/** A process that uses the cluster. */
export interface TestProcess {
  readonly port: KafkaPort
  /** Ends it without a word to the cluster. */
  kill(): void
  /** What it has reported. */
  readonly reports: readonly string[]
}

/** What each test of the suite begins with. */
export class PortSetting {
  readonly clock: Clock
  readonly #cluster: PortCluster
  readonly #processes: TestProcess[] = []
  static #names = 0

  constructor(cluster: PortCluster) {
    this.clock = cluster.clock
    this.#cluster = cluster
  }

  /** A name that nothing in the cluster has. */
  fresh(prefix: string): string {
    const run = `${Date.now().toString(36)}-${process.pid}`
    return `${prefix}-${run}-${PortSetting.#names++}`
  }

  async process(): Promise<TestProcess> {
    const stop = new AbortController()
    const reports: string[] = []
    const world: World = {
      clock: this.clock,
      signal: stop.signal,
      warn: (message) => void reports.push(message),
      down: (reason) => void reports.push(`down: ${String(reason)}`),
      trying: () => {},
      up: () => void reports.push('up'),
    }
    const port = await this.#cluster.connect(world)
    const made = { port, reports, kill: () => stop.abort(new Error('the process is dead')) }
    this.#processes.push(made)
    return made
  }

  async topic(port: KafkaPort, partitions = 1, settings: Record<string, string> = {}): Promise<string> {
    const name = this.fresh('topic')
    await port.createTopics([{ name, partitions, settings }])
    return name
  }

  /** Waits until something is so. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const limit = this.clock.monotonic() + 60_000
    while (!(await isSo())) {
      if (this.clock.monotonic() > limit) throw new Error(`after a minute it is not so: ${what}`)
      await sleep(this.clock, 10)
    }
  }

  async close(): Promise<void> {
    for (const { port } of this.#processes) await port.close()
    for (const process of this.#processes) process.kill()
  }
}

/** A record of a test: its value, in partition 0 unless it says otherwise. */
export interface Sent {
  readonly topic: string
  readonly partition?: number
  readonly key?: string | null
  readonly value: string | null
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function packed(records: readonly Sent[]): readonly PackedBatch[] {
  const world = { clock: { now: () => 1, monotonic: () => 0 } as Clock, random: seededRandom(1) }
  const packing = new Packing({ compressor: compressorOf('a test', 'lz4'), maxRecordBytes: 1_000_000 }, world)
  const full = records.flatMap(({ topic, partition = 0, key = null, value }) =>
    packing.add(
      {
        topic,
        partition,
        key: key === null ? null : encoder.encode(key),
        value: value === null ? null : encoder.encode(value),
        headers: [],
        timestamp: 1,
      },
      1,
    ),
  )
  return [...full, ...packing.takeAll()]
}

/** Records as a commit takes them: each argument is a chunk. */
export async function* chunks(...parts: readonly (readonly Sent[])[]): AsyncIterable<readonly PackedBatch[]> {
  for (const part of parts) yield packed(part)
}

/** Takes what a partition delivers. */
export class Reading implements FeedListener {
  readonly values: (string | null)[] = []
  readonly offsets: number[] = []
  readonly caughtUpAt: number[] = []
  next = 0
  error: unknown
  feed: Feed | undefined

  static async of(port: KafkaPort, of: TopicPartition, from = 0): Promise<Reading> {
    const reading = new Reading()
    reading.feed = await port.feed(of, from, reading)
    return reading
  }

  records(records: readonly KafkaRecord[], next: number): void {
    for (const { offset, value } of records) {
      this.values.push(value === null ? null : decoder.decode(value))
      this.offsets.push(offset)
    }
    this.next = next
  }

  caughtUp(offset: number): void {
    this.caughtUpAt.push(offset)
  }

  failed(error: unknown): void {
    this.error = error
  }
}

/** The values of a partition, when its reader has caught up with what can be read now. */
export async function valuesIn(
  setting: PortSetting,
  port: KafkaPort,
  of: TopicPartition,
): Promise<readonly (string | null)[]> {
  const { first, end } = await port.range(of)
  const reading = await Reading.of(port, of, first)
  await setting.until(`${splitOf(of)} is read to ${end}`, () => (reading.caughtUpAt.at(-1) ?? -1) >= end)
  reading.feed!.close()
  return reading.values
}
