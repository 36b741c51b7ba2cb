import { expect, test } from 'vitest'
import { checkLag } from '../../../lab/servers/check-lag.ts'
import { contextOf, upTo } from '../../../lab/servers/job-on-disk.ts'
import { rabbitmq } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store } = server
const texts = (count: number): string[] => upTo(count).map(String)

test.skipIf(server.missing !== undefined).each(['classic', 'quorum'])(
  'lag of a %s queue: the messages that no consumer was sent, and those that wait here',
  async (type) => {
    const queue = await freshQueue({ 'x-queue-type': type })
    await store(queue, texts(7))
    const append = (): Promise<void> => store(queue, ['added'])
    await checkLag(rabbitmq.receiveText({ url, queue }), queue, { records: 7, append })
  },
)

test.skipIf(server.missing !== undefined)(
  'lag of a queue: what does not fit into prefetch counts',
  async () => {
    const queue = await freshQueue()
    await store(queue, texts(7))
    const reader = await rabbitmq
      .receiveText({ url, queue, prefetch: 2 })
      .open(queue, undefined, await contextOf('in'))
    await expect.poll(() => reader.lag?.()?.records, { timeout: 60_000 }).toBe(7)
    await reader.close()
  },
)

test.skipIf(server.missing !== undefined)(
  'lag of a stream: the messages that were not read, those added later included',
  async () => {
    const stream = await freshQueue({ 'x-queue-type': 'stream' })
    await store(stream, texts(7))
    const append = (): Promise<void> => store(stream, ['added'])
    // The broker may note something of its own in the stream.
    await checkLag(rabbitmq.readText({ url, stream }), stream, { records: 7, append, slack: 3 })
  },
)

test.skipIf(server.missing !== undefined)(
  'lag of a stream: what is more than the credit counts, and what is added to it',
  async () => {
    const stream = await freshQueue({ 'x-queue-type': 'stream' })
    await store(stream, texts(5_000))
    const reader = await rabbitmq.readText({ url, stream }).open(stream, undefined, await contextOf('in'))
    const lag = (): number => reader.lag?.()?.records ?? 0
    await expect.poll(lag, { timeout: 60_000 }).toBeGreaterThanOrEqual(5_000)
    const before = lag()
    await store(stream, texts(500))
    await expect.poll(lag, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + 500)
    expect(lag()).toBeLessThan(before + 510)
    await reader.close()
  },
)
