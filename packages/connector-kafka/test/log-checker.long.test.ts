import { setTimeout as delay } from 'node:timers/promises'
import { nodePlatform } from '@millrace/node'
import { allowedByKafka, checkLog, type LogOperation, type SendStep } from '@millrace/testkit'
import { expect, test } from 'vitest'
import {
  KafkaFailure,
  type FeedListener,
  type ReadableCluster,
  type TransactionProducer,
  type World,
  type WritableCluster,
} from '../src/cluster.ts'
import { Packing } from '../src/packing.ts'
import {
  readyRecord,
  splitOf,
  type KafkaRecord,
  type PackedBatch,
  type TopicPartition,
} from '../src/record.ts'
import { wireConnect } from '../src/wire/wire-cluster.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const writers = 3
const partitions = 3
const restarts = 4
const transactionsEach = 120

/** What one client has done is noted when it is done. */
const history: LogOperation[] = []

/** Commits transactions to all partitions; some are aborted, and of some no answer comes. */
class Writer {
  readonly #name: string
  readonly #cluster: WritableCluster
  readonly #topic: string
  #producer: TransactionProducer | undefined
  /** The last transaction whose outcome is not known: the mark tells it. */
  #open: { readonly number: number; readonly steps: readonly SendStep[] } | undefined

  constructor(name: string, cluster: WritableCluster, topic: string) {
    this.#name = name
    this.#cluster = cluster
    this.#topic = topic
  }

  async run(): Promise<void> {
    for (let number = 1; number <= transactionsEach; number++) {
      await this.#settle()
      await this.#commit(number)
      await delay(5)
    }
    await this.#settle()
  }

  async #commit(number: number): Promise<void> {
    const isAborted = number % 10 === 0
    const steps = Array.from({ length: 1 + (number % 4) }, (_, index): SendStep => {
      const of = { topic: this.#topic, partition: (number + index) % partitions }
      return { kind: 'send', log: splitOf(of), value: `${this.#name}-${number}-${index}` }
    })
    try {
      await this.#producer!.commit(this.#chunks(steps, isAborted), number)
      history.push({ process: this.#name, outcome: 'ok', steps })
    } catch (error) {
      await this.#producer!.close()
      this.#producer = undefined
      this.#open = { number, steps }
      if (!(error instanceof KafkaFailure) && !isAborted) throw error
    }
  }

  /** Opens a producer, which ends what the one before it has begun. Its mark says how that has ended. */
  async #settle(): Promise<void> {
    while (this.#producer === undefined) {
      try {
        this.#producer = await this.#cluster.transactions(this.#name, this.#topic, 10_000)
      } catch (error) {
        if (!(error instanceof KafkaFailure)) throw error
        await delay(200)
      }
    }
    const open = this.#open
    this.#open = undefined
    if (open === undefined) return
    const outcome = (this.#producer.mark ?? 0) >= open.number ? 'ok' : 'failed'
    history.push({ process: this.#name, outcome, steps: open.steps })
  }

  async *#chunks(steps: readonly SendStep[], isAborted: boolean): AsyncIterable<readonly PackedBatch[]> {
    for (const { log, value } of steps) {
      const partition = Number(log.slice(this.#topic.length + 1))
      const packing = new Packing({ compressor: undefined, maxRecordBytes: 1_000 }, nodePlatform())
      packing.add(
        readyRecord({ partition, value }, this.#topic, { time: Number.NaN, headers: {} }),
        partitions,
      )
      yield packing.takeAll()
    }
    if (isAborted) throw new Error('the test aborts this transaction')
  }
}

/** Notes what a reader gets of one partition. */
function listener(
  process: string,
  of: TopicPartition,
  atEnd: (offset: number) => void = () => {},
): FeedListener {
  const decoder = new TextDecoder()
  return {
    records: (records: readonly KafkaRecord[]) => {
      if (records.length === 0) return
      const read = records.map(({ offset, value }): [number, string] => [offset, decoder.decode(value)])
      history.push({ process, outcome: 'ok', steps: [{ kind: 'poll', log: splitOf(of), records: read }] })
    },
    caughtUp: atEnd,
    failed: (error) => {
      throw error
    },
  }
}

/** Reads all partitions up to where they end now. */
async function readToEnd(process: string, cluster: ReadableCluster, topic: string): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const of = { topic, partition }
    const { end } = await cluster.range(of)
    await new Promise<void>((resolve) => {
      void cluster.feed(
        of,
        0,
        listener(process, of, (offset) => offset >= end && resolve()),
      )
    })
  }
}

test.skipIf(broker.missing !== undefined)(
  'EN-223 what several writers and readers see of a broker that is killed is what Kafka promises',
  { timeout: 600_000 },
  async () => {
    const topic = await broker.freshTopic(partitions)
    const stop = new AbortController()
    const { clock } = nodePlatform()
    const world: World = {
      clock,
      signal: stop.signal,
      warn: () => {},
      down: () => {},
      trying: () => {},
      up: () => {},
    }
    const wire = wireConnect({ brokers: broker.brokers })
    const clusters: { close(): Promise<void> }[] = []
    const opened = async <C extends { close(): Promise<void> }>(opening: Promise<C>): Promise<C> => {
      const cluster = await opening
      clusters.push(cluster)
      return cluster
    }
    const reader = await opened<ReadableCluster>(wire('reader', world, { group: 'reader' }))
    for (let partition = 0; partition < partitions; partition++) {
      const of = { topic, partition }
      await reader.feed(of, 0, listener('reader', of))
    }
    const running = Array.from({ length: writers }, async (_, index) => {
      const name = `writer-${index}-${topic}`
      await new Writer(name, await opened(wire(name, world, { group: name })), topic).run()
    })
    for (let restart = 0; restart < restarts; restart++) {
      await delay(2_000)
      await broker.restart()
    }
    await Promise.all(running)
    const last = await opened(wire('last', world, { group: 'last' }))
    await readToEnd('last', last, topic)
    stop.abort(new Error('the test ends'))
    for (const cluster of clusters) await cluster.close()
    const outcomes = history.map(({ outcome }) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'ok').length).toBeGreaterThan(transactionsEach)
    expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeGreaterThanOrEqual(writers * 12)
    expect(checkLog(history).filter(({ kind }) => !allowedByKafka.has(kind))).toEqual([])
    process.stdout.write(`${history.length} operations, nothing that Kafka does not allow\n`)
  },
)
