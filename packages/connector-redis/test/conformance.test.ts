import { describeCases, sinkConformance, sourceConformance } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server
const skip =
  process.env['MILLRACE_TEST_LEVEL'] === 'full'
    ? undefined
    : {
        'a process that was replaced between any two steps changes nothing':
          'it takes half a minute: npm run test:full',
      }

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

async function add(stream: string, values: readonly string[]): Promise<void> {
  for (const value of values) await client.xadd(stream, '*', 'data', value)
}

describe.skipIf(server.missing !== undefined)('on a real server', () => {
  describeCases(
    'a source of streams',
    sourceConformance<unknown>({
      create: async () => {
        const streams = [freshKey(), freshKey()]
        for (const stream of streams) {
          await add(stream, [...records.slice(0, 3).map((text) => JSON.stringify(text)), 'not JSON'])
          await add(
            stream,
            records.slice(3).map((text) => JSON.stringify(text)),
          )
        }
        return {
          source: () => redis.readJson<unknown>(streams, { url }),
          splits: new Map(streams.map((stream) => [stream, records])),
          failures: new Map(streams.map((stream) => [stream, 1])),
          append: (stream, values) =>
            add(
              stream,
              values.map((value) => JSON.stringify(value)),
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
    'a source of a consumer group',
    sourceConformance<unknown>({
      create: async () => {
        const streams = [freshKey(), freshKey()]
        for (const stream of streams) {
          await add(stream, [...records.slice(0, 3).map((text) => JSON.stringify(text)), 'not JSON'])
          await add(
            stream,
            records.slice(3).map((text) => JSON.stringify(text)),
          )
        }
        return {
          source: () => redis.receiveJson<unknown>(streams, { url, group: 'readers' }),
          splits: new Map(streams.map((stream) => [stream, records])),
          failures: new Map(streams.map((stream) => [stream, 1])),
          append: (stream, values) =>
            add(
              stream,
              values.map((value) => JSON.stringify(value)),
            ),
          more: ['more', 'and more'],
          worksOutside: true,
        }
      },
      features: {
        durability: 'redelivering',
        ends: true,
        severalSplits: true,
        failures: true,
        grows: true,
        acknowledges: true,
      },
    }),
    { describe, test },
  )

  describeCases(
    'a sink of commands',
    sinkConformance<number>({
      create: () => {
        const list = freshKey()
        return Promise.resolve({
          sink: () => redis.writeCommands<number>(list, (n) => [['RPUSH', list, JSON.stringify(n)]], { url }),
          record: (number) => number,
          visible: async () => (await client.lrange(list, 0, -1)).map(Number),
          worksOutside: true,
        })
      },
      features: { guarantee: 'exactly-once', keepsFiles: false, severalSubtasks: true },
      ...(skip && { skip }),
      unwritable: () => 1n as never,
    }),
    { describe, test },
  )
})
