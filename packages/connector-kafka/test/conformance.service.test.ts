import { describeCases, sinkConformance, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { kafka } from '../src/index.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const { brokers } = broker

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const headers = [{ trace: 't' }]
/** Those of three records, of a failure, and of four more records. */
const carried = [undefined, undefined, undefined, ...Array.from({ length: 5 }, () => ({ trace: 't' }))]
const json = (values: readonly unknown[]): { value: string }[] =>
  values.map((value) => ({ value: JSON.stringify(value) }))

describe.skipIf(broker.missing !== undefined)('on a real broker', () => {
  describeCases(
    'a source of topics',
    sourceConformance<unknown>({
      create: async () => {
        const topic = await broker.freshTopic(2)
        for (const partition of [0, 1]) {
          const values = [{ value: 'not JSON' }, ...json(records.slice(3))]
          await broker.produce(
            topic,
            [...json(records.slice(0, 3)), ...values.map((value) => ({ ...value, headers }))].map(
              (value) => ({
                ...value,
                partition,
              }),
            ),
          )
        }
        const splits = [`${topic}-0`, `${topic}-1`]
        return {
          source: () => kafka.readJson<unknown>({ brokers, topic }),
          splits: new Map(splits.map((split) => [split, records])),
          failures: new Map(splits.map((split) => [split, 1])),
          headers: new Map(splits.map((split) => [split, carried])),
          append: (split, values) =>
            broker.produce(
              topic,
              json(values).map((value) => ({ ...value, partition: Number(split.at(-1)) })),
            ),
          more: ['more', 'and more'],
          worksOutside: true,
        }
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
      create: async () => {
        const topic = await broker.freshTopic()
        return {
          sink: () => kafka.writeJson<number>({ brokers, topic }),
          record: (number) => number,
          visible: async () => readAll(topic),
          worksOutside: true,
        }
      },
      features: { guarantee: 'exactly-once', keepsFiles: false, severalSubtasks: true },
      unwritable: () => 1n as never,
      ...(process.env['MILLRACE_TEST_LEVEL'] !== 'full' && {
        skip: {
          'a process that was replaced between any two steps changes nothing':
            'it takes minutes: npm run test:full',
          'the guarantee survives a crash between any two steps': 'it takes minutes: npm run test:full',
        },
      }),
    }),
    { describe, test },
  )

  describeCases(
    'a sink without transactions',
    sinkConformance<number>({
      create: async () => {
        const topic = await broker.freshTopic()
        return {
          sink: () => kafka.writeJson<number>({ brokers, topic, guarantee: 'at-least-once' }),
          record: (number) => number,
          visible: async () => readAll(topic),
          worksOutside: true,
        }
      },
      features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
      unwritable: () => 1n as never,
    }),
    { describe, test },
  )

  test("Kafka's own consumer sees what the others see", async () => {
    const topic = await broker.freshTopic()
    await broker.produce(topic, [{ key: 'k', value: 'v' }])
    await broker.produce(topic, [{ key: 'k', value: 'never committed' }], `open-${topic}`)
    expect(await readWithJava(brokers, topic, 10)).toEqual([{ partition: 0, key: 'k', value: 'v' }])
  })
})

/** What readers of committed records see of a topic with one partition. */
async function readAll(topic: string): Promise<number[]> {
  await broker.transactionsMarked()
  const source = kafka.readJson<number>({ brokers, topic })
  const context = {
    name: 'look',
    isBounded: true,
    start: { kind: 'first', checkpoint: undefined },
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      schedule: () => ({ [Symbol.dispose]() {} }),
    },
    signal: new AbortController().signal,
    warn: () => {},
    down: () => {},
    trying: () => {},
    up: () => {},
  } as never
  const found: number[] = []
  const reader = await source.open(`${topic}-0`, undefined, context)
  for (;;) {
    const poll = reader.poll(1_000)
    if (poll.kind === 'end') break
    if (poll.kind === 'records') found.push(...poll.values)
    else await reader.ready()
  }
  await reader.close()
  await source.close?.()
  return found
}
