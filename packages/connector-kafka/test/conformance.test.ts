import { describeCases, sinkConformance, sourceConformance } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { PlainSink } from '../src/plain-sink.ts'
import { TopicSource } from '../src/topic-source.ts'
import { TransactionSink } from '../src/transaction-sink.ts'
import { MemoryCluster } from './memory-cluster.ts'

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const parsed = (value: Uint8Array | null): unknown => JSON.parse(new TextDecoder().decode(value ?? undefined))

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const trace = new TextEncoder().encode('t')
/** Those of three records, of a failure, and of four more records. */
const carried = [undefined, undefined, undefined, ...Array.from({ length: 5 }, () => ({ trace: 't' }))]
const outgoing = {
  topic: 'out',
  recordOf: (value: number) => {
    if (value < 0) throw new Error('a negative number')
    return { value: String(value) }
  },
  maxRecordBytes: 1_000,
}

describeCases(
  'a source of topics',
  sourceConformance<unknown>({
    create: () => {
      const cluster = new MemoryCluster()
      cluster.addTopic('in', 2)
      for (const partition of [0, 1]) {
        for (const record of records.slice(0, 3)) cluster.append('in', partition, { value: text(record) })
        cluster.append('in', partition, { value: new Uint8Array([123]), headers: [['trace', trace]] })
        cluster.skip('in', partition, 3)
        for (const record of records.slice(3)) {
          cluster.append('in', partition, { value: text(record), headers: [['trace', trace]] })
        }
        cluster.skip('in', partition, 1)
      }
      return Promise.resolve({
        source: () =>
          new TopicSource(cluster.connect, ({ value }) => parsed(value), {
            brokers: cluster.address,
            topic: 'in',
          }),
        splits: new Map(['in-0', 'in-1'].map((split) => [split, records])),
        failures: new Map(['in-0', 'in-1'].map((split) => [split, 1])),
        headers: new Map(['in-0', 'in-1'].map((split) => [split, carried])),
        append: (split, values) => {
          for (const value of values) cluster.append('in', Number(split.at(-1)), { value: text(value) })
          return Promise.resolve()
        },
        more: ['more', 'and more'],
      })
    },
    features: {
      durability: 'replayable',
      ends: true,
      severalSplits: true,
      failures: true,
      grows: true,
      acknowledges: false,
    },
  }),
  { describe, test },
)

describeCases(
  'a sink with transactions',
  sinkConformance<number>({
    create: () => {
      const cluster = new MemoryCluster()
      cluster.addTopic('out', 1)
      return Promise.resolve({
        sink: () =>
          new TransactionSink(cluster.connect, outgoing, {
            address: 'memory:9092',
            idPrefix: 'millrace',
            transactionTimeoutMs: 60_000,
            ifForgotten: 'fail',
            compressor: undefined,
          }),
        record: (number) => number,
        visible: () => Promise.resolve(cluster.records('out').map(({ value }) => parsed(value) as number)),
      })
    },
    features: { guarantee: 'exactly-once', keepsFiles: false, severalSubtasks: true },
    unwritable: () => -1,
    ...(process.env['MILLRACE_TEST_LEVEL'] !== 'full' && {
      skip: {
        'a process that was replaced between any two steps changes nothing':
          'it takes two seconds: npm run test:full',
      },
    }),
  }),
  { describe, test },
)

describeCases(
  'a sink without transactions',
  sinkConformance<number>({
    create: () => {
      const cluster = new MemoryCluster()
      cluster.addTopic('out', 1)
      return Promise.resolve({
        sink: () => new PlainSink(cluster.connect, outgoing, undefined),
        record: (number) => number,
        visible: () => Promise.resolve(cluster.records('out').map(({ value }) => parsed(value) as number)),
      })
    },
    features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
    unwritable: () => -1,
  }),
  { describe, test },
)
