import { pipeline } from '@millrace/flow'
import { describe, expect, onTestFinished, test } from 'vitest'
import { enlarge, garble, HostileProxy, insert, truncate } from '../../../lab/servers/hostile-proxy.ts'
import { upTo } from '../../../lab/servers/job-on-disk.ts'
import { survive } from '../../../lab/servers/survive.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server
const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1_000_000)
const connections = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 100 : 24

/** Lengths of texts and of lists that nothing has. */
const huge = enlarge(/[$*]\d+\r\n/, [
  '$99999999999999999999\r\n',
  '*4294967296\r\n',
  '*99999999999\r\n',
  '*1000000000\r\n',
  '*-7\r\n',
  '$-7\r\n',
])

describe.skipIf(server.missing !== undefined)(`a hostile Redis, seed ${seed}`, () => {
  test.each(['stream', 'group'] as const)(
    'ends no process, and a job that reads a %s loses and invents nothing',
    async (what) => {
      const [input, output] = [freshKey(), freshKey()]
      const attacks = [garble, truncate, insert, huge]
      const proxy = new HostileProxy(Number(new URL(url).port), {
        seed,
        attacks,
        connections,
        within: 12_000,
      })
      const options = { url: `redis://127.0.0.1:${await proxy.open()}`, requestTimeout: '2s' } as const
      onTestFinished(() => proxy.close())
      const numbers = async (): Promise<number[]> =>
        (await client.xrange(output, '-', '+')).map(([, [, text]]) => Number(text))
      const { records } = await survive({
        proxy,
        built: () =>
          pipeline('copy', (p) => {
            const source =
              what === 'stream'
                ? redis.readJson<number>(input, options)
                : redis.receiveJson<number>(input, { ...options, group: 'g' })
            p.from('in', source).to('out', redis.writeJson(output, options))
          }),
        feed: (from, end) => {
          const pipelined = client.pipeline()
          for (const n of upTo(end, from)) pipelined.xadd(input, '*', 'data', String(n))
          return pipelined.exec()
        },
        seen: async () => new Set(await numbers()).size,
      })
      const written = await numbers()
      if (what === 'stream') expect(written).toEqual(upTo(records))
      else expect([...new Set(written)].toSorted((a, b) => a - b)).toEqual(upTo(records))
    },
  )
})
