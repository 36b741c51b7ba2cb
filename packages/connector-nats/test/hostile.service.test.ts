import { pipeline } from '@millrace/flow'
import { expect, onTestFinished, test } from 'vitest'
import { enlarge, garble, HostileProxy, insert, truncate } from '../../../lab/servers/hostile-proxy.ts'
import { upTo } from '../../../lab/servers/job-on-disk.ts'
import { survive } from '../../../lab/servers/survive.ts'
import { nats } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn, countIn } = server
const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1_000_000)
const connections = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 100 : 24

/** The lengths of messages and of their headers. */
const huge = enlarge(/ \d+\r\n/, [
  ' 99999999999999999999\r\n',
  ' 4294967296\r\n',
  ' -7\r\n',
  ' 0 0 0 0 0\r\n',
])

test.skipIf(server.missing !== undefined)(
  `a hostile NATS ends no process, and a job loses, doubles and invents nothing, seed ${seed}`,
  async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const attacks = [garble, truncate, insert, huge]
    const proxy = new HostileProxy(Number(new URL(url).port), { seed, attacks, connections, within: 12_000 })
    const options = { url: `nats://127.0.0.1:${await proxy.open()}`, connectTimeout: '1s' } as const
    onTestFinished(() => proxy.close())
    const { records } = await survive({
      proxy,
      built: () =>
        pipeline('copy', (p) => {
          p.from('in', nats.readJson<number>({ ...options, stream: input })).to(
            'out',
            nats.writeJson({ ...options, stream: output, subject: output }),
          )
        }),
      feed: (from, end) => store(input, upTo(end, from).map(String)),
      seen: () => countIn(output),
    })
    expect((await textsIn(output)).map(Number)).toEqual(upTo(records))
  },
)
