import { describeCases, sinkConformance, sourceConformance } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { nats } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn } = server

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
/** Those of three records, of a failure, and of four more records. */
const carried = [undefined, undefined, undefined, ...Array.from({ length: 5 }, () => ({ trace: 't' }))]
const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value))

const skip =
  process.env['MILLRACE_TEST_LEVEL'] === 'full'
    ? undefined
    : {
        'a process that was replaced between any two steps changes nothing':
          'it takes minutes: npm run test:full',
      }

describe.skipIf(server.missing !== undefined)('on a real server', () => {
  for (const isFiltered of [false, true]) {
    describeCases(
      isFiltered ? 'a source of one subject of streams' : 'a source of streams',
      sourceConformance<unknown>({
        create: async () => {
          const streams = [await freshStream(), await freshStream()]
          for (const stream of streams) {
            await store(stream, json(records.slice(0, 3)))
            if (isFiltered) await store(`${stream}.other`, ['not this one'])
            await store(stream, ['not JSON', ...json(records.slice(3))], { trace: 't' })
          }
          return {
            source: () =>
              isFiltered
                ? nats.readJson<unknown>({ url, stream: streams, subjects: '*' })
                : nats.readJson<unknown>({ url, stream: streams }),
            splits: new Map(streams.map((stream) => [stream, records])),
            failures: new Map(streams.map((stream) => [stream, 1])),
            headers: new Map(streams.map((stream) => [stream, carried])),
            append: (stream, values) => store(stream, json(values)),
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
  }

  describeCases(
    'an exactly-once sink',
    sinkConformance<number>({
      create: async () => {
        const stream = await freshStream()
        return {
          sink: () => nats.writeJson<number>({ url, stream, subject: stream }),
          record: (number) => number,
          visible: async () => (await textsIn(stream)).map(Number),
          worksOutside: true,
        }
      },
      features: { guarantee: 'exactly-once', keepsFiles: false, severalSubtasks: true },
      ...(skip && { skip }),
      unwritable: () => 1n as never,
    }),
    { describe, test },
  )

  describeCases(
    'an at-least-once sink',
    sinkConformance<number>({
      create: async () => {
        const stream = await freshStream()
        return {
          sink: () => nats.writeJson<number>({ url, stream, subject: stream, guarantee: 'at-least-once' }),
          record: (number) => number,
          visible: async () => (await textsIn(stream)).map(Number),
          worksOutside: true,
        }
      },
      features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
      unwritable: () => 1n as never,
    }),
    { describe, test },
  )
})
