import { expect, test } from 'vitest'
import { checkLag } from '../../../lab/servers/check-lag.ts'
import { contextOf, upTo } from '../../../lab/servers/job-on-disk.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

async function filled(count: number): Promise<string> {
  const stream = freshKey()
  for (const n of upTo(count)) await client.xadd(stream, '*', 'data', String(n))
  return stream
}

test.skipIf(server.missing !== undefined)(
  'lag of a stream: the entries that were not read, those added later included',
  async () => {
    const stream = await filled(7)
    const append = (): Promise<unknown> => client.xadd(stream, '*', 'data', 'added')
    await checkLag(redis.readEntries(stream, { url }), stream, { records: 7, append, countsBytes: false })
  },
)

test.skipIf(server.missing !== undefined)(
  'lag of a consumer group: what no consumer was sent, and what waits here',
  async () => {
    const stream = await filled(7)
    const append = (): Promise<unknown> => client.xadd(stream, '*', 'data', 'added')
    await checkLag(redis.receiveEntries(stream, { url, group: 'g' }), stream, {
      records: 7,
      append,
      countsBytes: false,
    })
  },
)

test.skipIf(server.missing !== undefined)(
  'lag of a consumer group: what does not fit into prefetch counts',
  async () => {
    const stream = await filled(7)
    const source = redis.receiveEntries(stream, { url, group: 'g', prefetch: 2 })
    const reader = await source.open(stream, undefined, await contextOf('in'))
    await expect.poll(() => reader.lag?.()?.records, { timeout: 60_000 }).toBe(7)
    await reader.close()
  },
)
