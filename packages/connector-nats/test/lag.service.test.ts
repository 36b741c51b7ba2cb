import { expect, test } from 'vitest'
import { checkLag } from '../../../lab/servers/check-lag.ts'
import { contextOf, upTo } from '../../../lab/servers/job-on-disk.ts'
import { nats } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store } = server
const texts = (count: number): string[] => upTo(count).map(String)

test.skipIf(server.missing !== undefined)(
  'lag of a stream: the messages that were not read, those added later included',
  async () => {
    const stream = await freshStream()
    await store(stream, texts(7))
    const append = (): Promise<void> => store(stream, ['added'])
    await checkLag(nats.readText({ url, stream }), stream, { records: 7, append })
  },
)

test.skipIf(server.missing !== undefined)('lag of one subject: other messages do not count', async () => {
  const stream = await freshStream()
  await store(`${stream}.other`, texts(20))
  await store(`${stream}.wanted`, texts(5))
  const append = (): Promise<void> => store(`${stream}.wanted`, ['added'])
  const source = nats.readText({ url, stream, subjects: `${stream}.wanted` })
  await checkLag(source, stream, { records: 5, append })
})

test.skipIf(server.missing !== undefined)(
  'lag of a stream: a reader that fetches no more asks how many messages are there',
  async () => {
    const stream = await freshStream()
    await store(stream, texts(6_000))
    const reader = await nats.readText({ url, stream }).open(stream, undefined, await contextOf('in'))
    const lag = (): number | undefined => reader.lag?.()?.records
    await expect.poll(lag, { timeout: 60_000 }).toBe(6_000)
    await store(stream, ['added', 'and added'])
    await expect.poll(lag, { timeout: 60_000 }).toBe(6_002)
    await reader.close()
  },
)
