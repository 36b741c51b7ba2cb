import type { Source } from '@millrace/core/connector'
import { describeCases, sinkConformance, sourceConformance, type SourceFeatures } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { rabbitmq } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn, use } = server

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value))
/** Those of three records, of a failure, and of four more records. */
const carried = [undefined, undefined, undefined, ...Array.from({ length: 5 }, () => ({ trace: 't' }))]
const features: SourceFeatures = {
  durability: 'redelivering',
  ends: true,
  severalSplits: true,
  failures: true,
  grows: true,
  acknowledges: true,
}

/** Opens a queue when the broker has noticed that its last consumer is gone, and has its messages back. */
function afterOthers<T>(source: Source<T>): Source<T> {
  const isFree = (queue: string): Promise<boolean> =>
    use(async (channel) => (await channel.checkQueue(queue)).consumerCount === 0)
  return {
    kind: source.kind,
    durability: source.durability,
    hasHeaders: source.hasHeaders ?? false,
    discover: (context) => source.discover(context),
    open: async (queue, from, context) => {
      await expect.poll(() => isFree(queue), { timeout: 60_000, interval: 5 }).toBe(true)
      return source.open(queue, from, context)
    },
  }
}

describe.skipIf(server.missing !== undefined)('on a real broker', () => {
  for (const type of ['classic', 'quorum']) {
    for (const isDeduplicated of [false, true]) {
      const name = `a source of ${type} queues${isDeduplicated ? ' that drops what comes again' : ''}`
      describeCases(
        name,
        sourceConformance<unknown>({
          create: async () => {
            const args = { 'x-queue-type': type }
            const queues = [await freshQueue(args), await freshQueue(args)]
            const ids = (text: string): string => `id-${text}`
            for (const queue of queues) {
              await store(queue, json(records.slice(0, 3)), { ids })
              await store(queue, ['not JSON', ...json(records.slice(3))], { ids, headers: { trace: 't' } })
            }
            return {
              source: () =>
                afterOthers(
                  rabbitmq.receiveJson<unknown>({
                    url,
                    queue: queues,
                    ...(isDeduplicated && { deduplicateBy: 'messageId' }),
                  }),
                ),
              splits: new Map(queues.map((queue) => [queue, records])),
              failures: new Map(queues.map((queue) => [queue, 1])),
              headers: new Map(queues.map((queue) => [queue, carried])),
              append: (queue, values) => store(queue, json(values), { ids }),
              more: ['more', 'and more'],
              worksOutside: true,
            }
          },
          // A message that was acknowledged cannot be read again, and one that was not is still with its first reader.
          features: {
            ...features,
            durability: isDeduplicated ? 'replayable' : 'redelivering',
            acknowledges: !isDeduplicated,
          },
        }),
        { describe, test },
      )
    }
  }

  describeCases(
    'a source of streams',
    sourceConformance<unknown>({
      create: async () => {
        const args = { 'x-queue-type': 'stream' }
        const streams = [await freshQueue(args), await freshQueue(args)]
        for (const stream of streams) {
          await store(stream, json(records.slice(0, 3)))
          await store(stream, ['not JSON', ...json(records.slice(3))], { headers: { trace: 't' } })
        }
        return {
          source: () => rabbitmq.readJson<unknown>({ url, stream: streams }),
          splits: new Map(streams.map((stream) => [stream, records])),
          failures: new Map(streams.map((stream) => [stream, 1])),
          headers: new Map(streams.map((stream) => [stream, carried])),
          append: (stream, values) => store(stream, json(values)),
          more: ['more', 'and more'],
          worksOutside: true,
        }
      },
      features: { ...features, durability: 'replayable', acknowledges: false },
    }),
    { describe, test },
  )

  describeCases(
    'a sink',
    sinkConformance<number>({
      create: async () => {
        const queue = await freshQueue()
        return {
          sink: () => rabbitmq.writeJson<number>({ url, queue }),
          record: (number) => number,
          visible: async () => (await textsIn(queue)).map(Number),
          worksOutside: true,
        }
      },
      features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
      unwritable: () => 1n as never,
    }),
    { describe, test },
  )
})
