import { systemScheduler } from '@millrace/world'
import { onTestFinished } from 'vitest'
import type { Feed, FeedListener, ReadableCluster, WritableCluster } from '../src/cluster.ts'
import type { KafkaOptions } from '../src/options.ts'
import type { KafkaRecord } from '../src/record.ts'
import { wireConnect } from '../src/wire/wire-cluster.ts'
import { batchBytes, markBytes } from './batch-writer.ts'
import { FakeBrokers, type StoredBatch } from './fake-brokers.ts'
import { contextOf, type TestContext } from './sink-parts.ts'

export const of = { topic: 'orders', partition: 0 }
const options = { brokers: 'broker-1:9092', requestTimeout: '1s' } as const
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await systemScheduler.turn()
}

export interface Setting {
  readonly brokers: FakeBrokers
  readonly context: TestContext
  readonly cluster: ReadableCluster & WritableCluster
}

export async function connected(
  prepare: (brokers: FakeBrokers) => void = (brokers) => void brokers.addPartition('orders', 0),
  more: Partial<KafkaOptions> & { readonly readsUncommitted?: boolean } = {},
): Promise<Setting> {
  const context = contextOf()
  const brokers = new FakeBrokers(context.clock)
  prepare(brokers)
  const { readsUncommitted = false, ...rest } = more
  const connect = wireConnect({ ...options, ...rest }, brokers.network)
  const cluster = await connect('source orders', context, { group: 'g', readsUncommitted })
  onTestFinished(() => cluster.close())
  return { brokers, context, cluster }
}

/** Takes what a partition delivers. */
export class Taken implements FeedListener {
  readonly values: string[] = []
  readonly offsets: number[] = []
  readonly caughtUpAt: number[] = []
  next = 0
  error: unknown
  /** Called with each delivery. */
  took: (() => void) | undefined

  records(records: readonly KafkaRecord[], next: number): void {
    for (const { offset, value } of records) {
      this.values.push(decoder.decode(value ?? undefined))
      this.offsets.push(offset)
    }
    this.next = next
    this.took?.()
  }

  caughtUp(offset: number): void {
    this.caughtUpAt.push(offset)
  }

  failed(error: unknown): void {
    this.error = error
  }
}

export async function taking(cluster: ReadableCluster, from = 0): Promise<{ taken: Taken; feed: Feed }> {
  const taken = new Taken()
  const feed = await cluster.feed(of, from, taken)
  await settle()
  return { taken, feed }
}

/** Batches with records whose values are their offsets, so many in each. */
export function batches(sizes: readonly number[], from = 0): StoredBatch[] {
  let first = from
  return sizes.map((size) => data(first, (first += size)))
}

export function data(first: number, next: number, producer?: number): StoredBatch {
  const records = Array.from({ length: next - first }, (_, n) => ({
    offset: first + n,
    value: encoder.encode(String(first + n)),
  }))
  const more = producer === undefined ? {} : { producer, isTransactional: true }
  return { first, next, bytes: batchBytes(records, more) }
}

export function mark(offset: number, producer: number, isCommit: boolean): StoredBatch {
  return { first: offset, next: offset + 1, bytes: markBytes(offset, producer, isCommit) }
}

export const numbers = (from: number, end: number): string[] =>
  Array.from({ length: end - from }, (_, n) => String(from + n))
