import { memory } from '@millrace/connector-memory'
import { pipeline } from '@millrace/flow'
import { expect, onTestFinished, test } from 'vitest'
import { garble, HostileProxy, insert, truncate, type Attack } from '../../../lab/servers/hostile-proxy.ts'
import { dataDirectory, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { survive } from '../../../lab/servers/survive.ts'
import { kafkaPorts } from '../../../scripts/services/kafka.ts'
import { kafka } from '../src/index.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const isOurs = broker.missing === undefined && broker.server.directory !== ''
const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1_000_000)
const connections = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 100 : 24

/** The length of the answer with which the bytes begin. */
const huge: Attack = (bytes, random) => {
  const changed = Buffer.from(bytes)
  const lengths = [0x7fffffff, 0xffffffff, 0x0fffffff, 0x00ffffff]
  if (changed.length >= 4) changed.writeUInt32BE(lengths[random.int(lengths.length)]!, 0)
  return { bytes: changed }
}

test.skipIf(!isOurs)(
  `a hostile broker ends no process, and a job loses, doubles and invents nothing, seed ${seed}`,
  async () => {
    const [input, output] = [await broker.freshTopic(), await broker.freshTopic()]
    const { behind, proxy: port } = kafkaPorts(broker.server.ports)
    const attacks = [garble, truncate, insert, huge]
    const proxy = new HostileProxy(behind, { seed, attacks, connections, within: 12_000, port })
    await proxy.open()
    onTestFinished(() => proxy.close())
    const options = { brokers: `127.0.0.1:${port}`, requestTimeout: '2s' } as const
    const committed = memory.write<number>()
    const reader = pipeline('committed', (p) => {
      p.from('in', kafka.readJson<number>({ brokers: broker.brokers, topic: output })).to('out', committed)
    })
    startOn(reader, await dataDirectory())
    const { records } = await survive({
      proxy,
      built: () =>
        pipeline('copy', (p) => {
          p.from('in', kafka.readJson<number>({ ...options, topic: input })).to(
            'out',
            kafka.writeJson({ ...options, topic: output }),
          )
        }),
      feed: (from, end) =>
        broker.produce(
          input,
          upTo(end, from).map((n) => ({ value: String(n) })),
        ),
      seen: () => committed.values.length,
    })
    expect(committed.values).toEqual(upTo(records))
  },
)
