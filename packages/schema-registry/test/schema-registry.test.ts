import { ManualClock, seededRandom } from '@millrace/world'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { FormatContext } from '@millrace/core/connector'
import { describe, expect, test } from 'vitest'
import { parseWire, schemaRegistry, wireRecord } from '../src/index.ts'
import { MemoryRegistry } from './memory-registry.ts'

const order = { schema: '"string"', type: 'AVRO', references: [] } as const

function world() {
  const clock = new ManualClock()
  const stop = new AbortController()
  const warnings: string[] = []
  const warn = (message: string): void => void warnings.push(message)
  const context: FormatContext = {
    clock,
    random: seededRandom(1),
    signal: stop.signal,
    warn,
    down: (reason) => {
      if (warnings.at(-1)?.startsWith('down') !== true) warnings.push(`down: ${String(reason)}`)
    },
    trying: () => {},
    up: () => void warnings.push('up'),
    what: 'source in',
    topic: 'orders',
  }
  return { clock, stop, warnings, context }
}

describe('a schema registry', () => {
  test('gives a schema its id once, and each id is fetched once', async () => {
    const server = new MemoryRegistry()
    const registry = server.client()
    const { context } = world()
    expect(await registry.register('orders-value', order, context)).toBe(1)
    await Promise.all([registry.load(1, context), registry.load(1, context)])
    expect(registry.load(1, context)).toBeUndefined()
    expect(registry.schema(1)).toEqual(order)
    expect(server.requests).toEqual(['POST /subjects/orders-value/versions', 'GET /schemas/ids/1'])
  })

  test('that is down is waited for by a source, and reported once when it begins and once when it is over', async () => {
    const server = new MemoryRegistry()
    server.schemas.set(7, { schema: '"long"' })
    server.failure = new Error('connect ECONNREFUSED')
    const registry = server.client()
    const { clock, warnings, context } = world()
    const loading = registry.load(7, context)!
    await clock.advance(60_000)
    server.failure = { status: 503, body: 'no json' }
    await clock.advance(20_000)
    server.failure = undefined
    await clock.advance(20_000)
    await loading
    expect(registry.schema(7)).toMatchObject({ schema: '"long"', type: 'AVRO' })
    expect(warnings).toEqual([
      'down: the schema registry on registry.example:8081: connect ECONNREFUSED',
      'up',
    ])
  })

  test('that is down, or refuses a schema, fails the start of a sink with the reason', async () => {
    const server = new MemoryRegistry()
    const { context } = world()
    server.failure = new Error('connect ECONNREFUSED')
    await expect(server.client().register('a', order, context)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      isFinal: true,
      message: expect.stringMatching(
        /registry.example:8081 cannot be used: no answer from it: connect ECONNREFUSED; check the address/,
      ),
    })
    server.failure = { status: 409, body: '{"message":"Schema being registered is incompatible"}' }
    await expect(server.client().register('a', order, context)).rejects.toThrow(
      /409: Schema being registered is incompatible/,
    )
  })

  test('that does not have an id makes the record a failure, and is not asked again', async () => {
    const server = new MemoryRegistry()
    const registry = server.client()
    const { context } = world()
    await registry.load(99, context)
    expect(() => registry.schema(99)).toThrow(
      expect.objectContaining({
        code: 'DECODE_FAILED',
        message: expect.stringContaining('has no schema 99'),
      }),
    )
    expect(registry.load(99, context)).toBeUndefined()
  })

  test('wants a password: the right one is sent, and none is printed', async () => {
    const server = new MemoryRegistry()
    server.authorization = `Basic ${btoa('robot:s3cret-word')}`
    const { context } = world()
    const right = server.client({ url: 'http://robot:s3cret-word@registry.example' })
    expect(await right.register('a', order, context)).toBe(1)
    const wrong = server.client({ url: 'http://robot:wr0ng-word@registry.example' })
    const error: unknown = await wrong.register('a', order, context).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(/401: Unauthorized; give user and password/)
    expect(`${String(error)}${(error as Error).stack}`).not.toMatch(/wr0ng|s3cret/)
  })

  test('does not keep a job that stops', async () => {
    const server = new MemoryRegistry()
    server.failure = new Error('down')
    const { clock, stop, context } = world()
    const loading = server.client().load(1, context)!
    const outcome = loading.catch((error: unknown) => error)
    await clock.advance(1_000)
    stop.abort(new Error('the job stops'))
    expect(String(await outcome)).toContain('the job stops')
    expect(clock.pending).toBe(0)
  })

  test('is reached over HTTP', async () => {
    const memory = new MemoryRegistry()
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const answer = memory.answer(request.method!, request.url!, body, request.headers.authorization)
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      // The first address of the cluster is down.
      const registry = schemaRegistry({ url: ['http://127.0.0.1:1', `http://127.0.0.1:${port}`] })
      const { context } = world()
      expect(await registry.register('orders-value', order, context)).toBe(1)
      await registry.load(1, context)
      expect(registry.schema(1)).toEqual(order)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

test('the wire format begins with a zero and an id', () => {
  const bytes = wireRecord(258, Uint8Array.of(9), Uint8Array.of(8, 7))
  expect([...bytes]).toEqual([0, 0, 0, 1, 2, 9, 8, 7])
  expect(parseWire(bytes)).toEqual({ id: 258, payload: Uint8Array.of(9, 8, 7) })
  expect(() => parseWire(Uint8Array.of(123, 0, 0, 0, 1))).toThrow(/the first byte is 123/)
  expect(() => parseWire(Uint8Array.of(0, 1))).toThrow(/there are 2 bytes/)
})

test.each([
  { url: 'registry' },
  { url: [] },
  { url: 'ftp://user:secret@x' },
  { url: 'http://x', timeout: 0 },
])('options that cannot be meant are refused: %j', (options) => {
  expect(() => schemaRegistry(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
})
