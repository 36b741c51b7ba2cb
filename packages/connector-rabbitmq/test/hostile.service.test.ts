import { pipeline } from '@millrace/flow'
import { describe, expect, onTestFinished, test } from 'vitest'
import { garble, HostileProxy, insert, truncate, type Attack } from '../../../lab/servers/hostile-proxy.ts'
import { upTo } from '../../../lab/servers/job-on-disk.ts'
import { survive } from '../../../lab/servers/survive.ts'
import { rabbitmq, type QueueMessage } from '../src/index.ts'
import { sorted } from './job-parts.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn } = server
const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1_000_000)
const connections = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 100 : 24

/** The length of the frame with which the bytes begin. */
const huge: Attack = (bytes, random) => {
  const changed = Buffer.from(bytes)
  const lengths = [0x7fffffff, 0xffffffff, 0x00020000, 0x00ffffff]
  if (changed.length >= 7) changed.writeUInt32BE(lengths[random.int(lengths.length)]!, 3)
  return { bytes: changed }
}

/** What it says of itself may be garbled on the way, and its data are no JSON then. */
const dataOf = ({ data }: QueueMessage): string => Buffer.from(data).toString('base64')

describe.skipIf(server.missing !== undefined)(`a hostile RabbitMQ, seed ${seed}`, () => {
  test.each(['queue', 'stream'] as const)(
    'ends no process, and a job that reads a %s loses, doubles and invents nothing',
    async (what) => {
      const input = await freshQueue(what === 'stream' ? { 'x-queue-type': 'stream' } : {})
      const output = await freshQueue()
      const attacks = [garble, truncate, insert, huge]
      const proxy = new HostileProxy(Number(new URL(url).port), {
        seed,
        attacks,
        connections,
        within: 12_000,
      })
      const options = { url: `amqp://127.0.0.1:${await proxy.open()}`, connectTimeout: '2s' } as const
      onTestFinished(() => proxy.close())
      /** How many records there were up to each of them, by their numbers. A sink may write one twice. */
      const counts = async (): Promise<ReadonlyMap<number, number>> =>
        new Map(
          (await textsIn(output)).map((text) => {
            const { value } = JSON.parse(text) as { value: { count: number; n: number } }
            return [value.n, value.count]
          }),
        )
      const { records } = await survive({
        proxy,
        built: () =>
          pipeline('count', (p) => {
            const source =
              what === 'stream'
                ? rabbitmq.readJson<number>({ ...options, stream: input })
                : rabbitmq.receiveJson<number>({ ...options, queue: input, deduplicateBy: dataOf })
            p.from('in', source)
              .keyBy(() => 'all')
              .scan(
                'count',
                () => ({ count: 0, n: -1 }),
                (before, n) => ({ count: before.count + 1, n }),
              )
              .to('out', rabbitmq.writeJson({ ...options, queue: output }))
          }),
        feed: (from, end) => store(input, upTo(end, from).map(String)),
        seen: async () => (await counts()).size,
      })
      const found = await counts()
      expect(sorted([...found.keys()])).toEqual(upTo(records))
      expect(sorted([...found.values()])).toEqual(upTo(records + 1, 1))
    },
  )
})
