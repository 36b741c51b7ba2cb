import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { kafka } from '@millrace/connector-kafka'
import { nats } from '@millrace/connector-nats'
import { memory, pipeline, run, type Pipeline } from 'millrace'
import { describe, expect, onTestFinished, test } from 'vitest'
import { realBroker } from '../../packages/connector-kafka/test/real-broker.ts'
import { realServer } from '../../packages/connector-nats/test/real-server.ts'

const server = await realServer()
const broker = await realBroker()
const { brokers } = broker
const missing = server.missing ?? broker.missing

async function finish(built: Pipeline): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'millrace-headers-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  expect(await run(built, { dataDir, bounded: true, restart: { kind: 'none' } })).toEqual({
    outcome: 'finished',
  })
}

describe.skipIf(missing !== undefined)('from NATS to Kafka', () => {
  test('the trace of a message continues without code, and what NATS says of the message ends with it', async () => {
    const [stream, topic] = [await server.freshStream(), await broker.freshTopic()]
    const headers = {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'vendor=1',
      baggage: 'user=4711',
    }
    await server.store(stream, ['20'], { ...headers, 'Nats-Custom': 'no' })
    await finish(
      pipeline('trace', (p) => {
        p.from('in', nats.readJson<number>({ url: server.url, stream }))
          .filter((n) => n > 10)
          .keyBy(() => 'all')
          .mapAsync('price', async (n) => Promise.resolve(n * 2))
          .to('out', kafka.writeJson({ brokers, topic }))
      }),
    )
    await broker.transactionsMarked()
    const read = memory.write<number>()
    await finish(
      pipeline('read', (p) => {
        p.from('in', kafka.readJson<number>({ brokers, topic })).to('out', read)
      }),
    )
    expect(read.committed).toMatchObject([{ value: 40, headers }])
    expect(Object.keys(read.committed[0]!.headers!)).toEqual(Object.keys(headers))
  })
})
