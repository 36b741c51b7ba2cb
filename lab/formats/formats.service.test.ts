import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { kafka } from '@millrace/connector-kafka'
import type { Format } from '@millrace/core/connector'
import type { DeadLetter } from '@millrace/core/operator'
import { avro } from '@millrace/format-avro'
import { protobuf } from '@millrace/format-protobuf'
import { schemaRegistry } from '@millrace/schema-registry'
import { deadLetter, memory, pipeline, run, secret, type Pipeline } from 'millrace'
import { afterAll, describe, expect, test } from 'vitest'
import { realBroker } from '../../packages/connector-kafka/test/real-broker.ts'
import {
  orderDefinition,
  orderMessage,
  orderOf,
  type Order,
} from '../../packages/format-protobuf/test/order-message.ts'
import { MemoryRegistry } from '../../packages/schema-registry/test/memory-registry.ts'

const broker = await realBroker()
const { brokers } = broker

/** A registry behind a real port, which asks for a password. */
const registered = new MemoryRegistry()
registered.authorization = `Basic ${Buffer.from('app:pass-word').toString('base64')}`
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 0 ? undefined : Buffer.concat(chunks).toString()
    const answer = registered.answer(request.method!, request.url!, body, request.headers.authorization)
    response.writeHead(answer.status).end(answer.body)
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`

const directories: string[] = []
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
})

const registry = () => schemaRegistry({ url: secret(`http://app:pass-word@${address}`) })

const avroFormat = (fields: readonly object[]): Format<Order> =>
  avro.format<Order>({ schema: { type: 'record', name: 'Order', fields }, registry: registry() })
const id = { name: 'id', type: 'string' }
const cents = { name: 'cents', type: 'long' }

function protobufFormat(): Format<Order> {
  const message = orderMessage()
  const inner = protobuf.format({ message, definition: orderDefinition, registry: registry() })
  return {
    name: inner.name,
    contentType: inner.contentType,
    decode: (bytes) => inner.decode(bytes) as unknown as Order,
    encode: (order) => inner.encode(orderOf(message, order)),
    beginWriting: async (context) => inner.beginWriting?.(context),
    load: (bytes, context) => inner.load?.(bytes, context),
  }
}

async function finish(built: Pipeline): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'millrace-formats-'))
  directories.push(dataDir)
  expect(await run(built, { dataDir, bounded: true, restart: { kind: 'none' } })).toEqual({
    outcome: 'finished',
  })
}

const orders = Array.from({ length: 1_000 }, (_, n): Order => ({ id: `order-${n}`, cents: n }))

async function written(format: Format<Order>): Promise<string> {
  const topic = await broker.freshTopic()
  await finish(
    pipeline('write', (p) => {
      p.from('orders', memory.read(orders)).to('out', kafka.write<Order>({ brokers, topic, format }))
    }),
  )
  await broker.transactionsMarked()
  return topic
}

async function readBack(
  topic: string,
  format: Format<Order>,
): Promise<{ found: Order[]; letters: DeadLetter[] }> {
  const [out, letters] = [memory.write<Order>(), memory.write<DeadLetter>()]
  await finish(
    pipeline('read', (p) => {
      p.from('orders', kafka.read<Order>({ brokers, topic, format }), {
        onError: deadLetter('dead', letters),
      }).to('out', out)
    }),
  )
  return { found: [...out.values], letters: [...letters.values] }
}

describe.skipIf(broker.missing !== undefined)('through a real broker, with a schema registry', () => {
  test('Avro: records written by one schema are read by a newer one', async () => {
    const topic = await written(avroFormat([id, cents]))
    expect([...registered.subjects.keys()]).toContain(`${topic}-value`)
    const { found } = await readBack(
      topic,
      avroFormat([id, cents, { name: 'kind', type: 'string', default: 'old' }]),
    )
    expect(found.map(({ id, cents }) => ({ id, cents: Number(cents) }))).toEqual(orders)
    expect(found[0]).toMatchObject({ kind: 'old' })
  })

  test('Protobuf: records are read as they were written', async () => {
    const topic = await written(protobufFormat())
    const { found } = await readBack(topic, protobufFormat())
    expect(found.map(({ id, cents }) => ({ id, cents }))).toEqual(orders)
  })

  test('bytes that are none, or name a schema that is not there, are dead letters, and the others are read', async () => {
    const topic = await written(avroFormat([id, cents]))
    await broker.produce(topic, [{ value: 'hello' }, { value: '\0\0\0\u0003\u00e8no such schema' }])
    const { found, letters } = await readBack(topic, avroFormat([id, cents]))
    expect(found).toHaveLength(orders.length)
    expect(letters.map(({ code }) => code)).toEqual(['DECODE_FAILED', 'DECODE_FAILED'])
    expect(JSON.stringify(letters)).not.toContain('pass-word')
  })
})
