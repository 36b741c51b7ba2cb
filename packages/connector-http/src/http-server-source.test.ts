import { describeCases, simPlatform, sourceConformance } from '@millrace/testkit'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { askHealth, contextOf, postLines, RawClient, serve, type HttpLife } from '../test/http-life.ts'
import * as http from './http.ts'
import type { InboxPosition } from './inbox-position.ts'

async function read(reader: HttpLife['reader'], count: number): Promise<unknown[]> {
  const values: unknown[] = []
  while (values.length < count) {
    const poll = reader.poll(count - values.length)
    if (poll.kind === 'records') values.push(...poll.values)
    else if (poll.kind === 'end') break
    else await reader.ready()
  }
  return values
}

const head = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n'

describe('an HTTP server on this machine', () => {
  test('delivers posted records to the reader', async () => {
    const { reader, url } = await serve()
    const response = await postLines(url, '{"a":1}\n{"a":2}\n')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ accepted: 2 })
    expect(await read(reader, 2)).toEqual([{ a: 1 }, { a: 2 }])
    expect(reader.bytesRead).toBe(2 * '{"a":1}'.length)
    await reader.close()
  })

  test('inflates a compressed body, and rejects one that inflates beyond the limit', async () => {
    const { reader, url } = await serve({ bodyBytesMax: 1_000 })
    const headers = { 'content-encoding': 'gzip' }
    expect((await postLines(url, gzipSync('1\n2\n'), headers)).status).toBe(200)
    expect((await postLines(url, gzipSync(' '.repeat(50_000)), headers)).status).toBe(413)
    expect(await read(reader, 2)).toEqual([1, 2])
    await reader.close()
  })

  test('after a restart, continues at the checkpoint and delivers later records', async () => {
    const first = await serve()
    await postLines(first.url, '1\n2\n3')
    expect(await read(first.reader, 2)).toEqual([1, 2])
    const from = JSON.parse(JSON.stringify(first.reader.position())) as InboxPosition
    await first.reader.close()
    const second = await serve({ fs: first.platform.fs.afterPowerLoss(), from })
    await postLines(second.url, '4')
    expect(await read(second.reader, 2)).toEqual([3, 4])
    await second.reader.close()
  })

  test('separates requests that arrive together on one connection', async () => {
    const { reader, port } = await serve()
    const client = await RawClient.connect(port)
    const requests = ['1\n', 'x\n', '3\n'].map((body) => `${head}Content-Length: 2\r\n\r\n${body}`)
    client.send(`${requests.join('')}${head}Connection: close\r\nContent-Length: 2\r\n\r\n4\n`)
    const statuses = [...(await client.rest()).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    expect(statuses).toEqual(['200', '400', '200', '200'])
    expect(await read(reader, 3)).toEqual([1, 3, 4])
    await reader.close()
  })

  test('rejects a foreign host name', async () => {
    const { reader, port } = await serve()
    const client = await RawClient.connect(port)
    client.send(`${head.replace('localhost', 'evil.example')}Content-Length: 1\r\n\r\n1`)
    expect(await client.receive('\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /)
    client.cut()
    await reader.close()
  })

  test('requires the token', async () => {
    const { reader, url } = await serve({ token: 'secret' })
    expect((await postLines(url, '1')).status).toBe(401)
    expect((await postLines(url, '1', { authorization: 'Bearer secret' })).status).toBe(200)
    await reader.close()
  })

  test('answers a health check without details', async () => {
    const { reader, url } = await serve()
    const response = await askHealth(url)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    expect((await askHealth(url, 'HEAD')).status).toBe(200)
    await reader.close()
  })
})

describe('malicious or broken clients', () => {
  test('a body that is announced too large is not read', async () => {
    const { reader, port } = await serve({ bodyBytesMax: 100 })
    const client = await RawClient.connect(port)
    client.send(`${head}Content-Length: 101\r\n\r\n`)
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/i)
    await reader.close()
  })

  test('reading stops when a body exceeds the limit', async () => {
    const { reader, port } = await serve({ bodyBytesMax: 100 })
    const client = await RawClient.connect(port)
    client.send(`${head}Transfer-Encoding: chunked\r\n\r\n66\r\n${'1\n'.repeat(51)}\r\n`)
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 413 /)
    await reader.close()
  })

  test('a client that sends Expect: 100-continue gets 100 only if its body is accepted', async () => {
    const { reader, port } = await serve({ bodyBytesMax: 100 })
    const welcome = await RawClient.connect(port)
    welcome.send(`${head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
    await welcome.receive('100 Continue\r\n\r\n')
    welcome.send('1\n')
    expect(await welcome.receive('accepted')).toMatch(/HTTP\/1\.1 200 /)
    welcome.cut()
    const unwelcome = await RawClient.connect(port)
    unwelcome.send(`${head}Expect: 100-continue\r\nContent-Length: 101\r\n\r\n`)
    expect(await unwelcome.rest()).toMatch(/^HTTP\/1\.1 413 /)
    await reader.close()
  })

  test.each(['POST / HT', `${head}X-Slow: `, `${head}Content-Length: 9\r\n\r\n1\n`])(
    'a client that stalls within a request is disconnected: %j',
    async (beginning) => {
      const { reader, port } = await serve({ requestTimeout: 150 })
      const client = await RawClient.connect(port)
      client.send(beginning)
      expect(await client.rest()).toMatch(/^(HTTP\/1\.1 408 |$)/)
      await reader.close()
    },
  )

  test('a client that disconnects within a body leaves nothing behind', async () => {
    const { reader, port, url, warnings } = await serve()
    const client = await RawClient.connect(port)
    client.send(`${head}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n`)
    await client.receive('100 Continue')
    client.send('1\n2\n')
    client.cut()
    await postLines(url, '3')
    expect(await read(reader, 1)).toEqual([3])
    await reader.close()
    expect(warnings).toEqual([])
  })

  test('bytes that are not HTTP get a short answer', async () => {
    const { reader, port, url } = await serve()
    const client = await RawClient.connect(port)
    client.send('\x16\x03\x01\x00\xff\r\n\r\n')
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 400 /)
    expect((await postLines(url, '1')).status).toBe(200)
    await reader.close()
  })
})

describe('stopping', () => {
  test('close refuses new connections and ends idle ones', async () => {
    const { reader, port, url } = await serve()
    const idle = await RawClient.connect(port)
    idle.send(`${head}Content-Length: 1\r\n\r\n1`)
    await idle.receive('accepted')
    await reader.close()
    await idle.rest()
    await expect(postLines(url, '1')).rejects.toThrow()
    await expect(RawClient.connect(port)).rejects.toThrow()
  })

  test('an abort refuses new requests, and finishes a request in progress', async () => {
    const { reader, port, abort, platform } = await serve()
    const client = await RawClient.connect(port)
    client.send(`${head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
    await client.receive('100 Continue\r\n\r\n')
    abort.abort()
    await expect(RawClient.connect(port)).rejects.toThrow()
    client.send('1\n')
    const answer = await client.rest()
    expect(answer).toMatch(/HTTP\/1\.1 200 /)
    expect(answer).toMatch(/Connection: close/i)
    expect(await read(reader, 1)).toEqual([1])
    await reader.close()
    expect(platform.fs.openPaths()).toEqual([])
    expect(platform.clock.pending).toBe(0)
  })

  test('a client that does not finish cannot block the stop', async () => {
    const { reader, port, platform } = await serve({ closeTimeout: '3s' })
    const client = await RawClient.connect(port)
    client.send(`${head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
    await client.receive('100 Continue')
    const closed = reader.close()
    await platform.clock.advance(3_000)
    await closed
    await client.rest()
  })
})

describe('opening', () => {
  test('a port in use is reported, also to callers that wait for the address', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const platform = simPlatform({ seed: 1 })
    const source = http.receive({ port })
    const address = source.address()
    const opening = source.open('inbox', undefined, contextOf(platform))
    const [opened, found] = await Promise.allSettled([opening, address])
    expect(opened).toMatchObject({ reason: { code: 'SOURCE_FAILED', isTransient: true } })
    expect(found).toEqual(opened)
    expect(String(found.status === 'rejected' && found.reason)).toMatch(/another program uses the port/)
    expect(platform.fs.openPaths()).toEqual([])
    other.close()
  })

  test('a bounded job does not listen and reads what the inbox holds', async () => {
    const { reader, port, url, platform } = await serve()
    await postLines(url, '1\n2')
    await reader.close()
    const context = contextOf(simPlatform({ seed: 2, fs: platform.fs }), { isBounded: true })
    const bounded = await http.receive({ port }).open('inbox', undefined, context)
    await expect(RawClient.connect(port)).rejects.toThrow()
    expect(await read(bounded, 100)).toEqual([1, 2])
    await bounded.close()
  })

  test('there is exactly one split', async () => {
    const source = http.receive({ port: 0 })
    const context = contextOf(simPlatform({ seed: 1 }))
    expect(await source.discover(context)).toEqual({ splits: ['inbox'], isComplete: true })
    await expect(source.open('other', undefined, context)).rejects.toThrow(/no split other/)
  })
})

const records = [1, { a: ['ü', null] }, 'three', [4], 5, 6, 7, 8, 9, 10]
const splits = new Map([['inbox', records]])

const trace = { traceparent: '00-1' }
const halfOf = (values: readonly unknown[]): number => Math.ceil(values.length / 2)
const headers = new Map([['inbox', records.map((_, at) => (at < halfOf(records) ? undefined : trace))]])

/** Posts values in two requests, of which the second has a trace. */
async function postValues(url: string, values: readonly unknown[]): Promise<void> {
  const half = halfOf(values)
  for (const [part, fields] of [
    [values.slice(0, half), {}],
    [values.slice(half), trace],
  ] as const) {
    const response = await postLines(url, part.map((value) => JSON.stringify(value)).join('\n'), fields)
    expect(response.status).toBe(200)
  }
}

const features = {
  durability: 'replayable',
  severalSplits: false,
  failures: false,
  acknowledges: true,
} as const

describeCases(
  'http.server, posted to',
  sourceConformance<unknown>({
    create: () => {
      let source = http.receive<unknown>({ port: 0 })
      const send = async (values: readonly unknown[]): Promise<void> =>
        postValues((await source.address()).url, values)
      return Promise.resolve({
        source: () => (source = http.receive<unknown>({ port: 0 })),
        splits,
        headers,
        more: ['later', { b: 1 }],
        deliver: () => send(records),
        append: (_split, values) => send(values),
        worksOutside: true,
      })
    },
    features: { ...features, ends: false, grows: true },
  }),
  { describe, test },
)

describeCases(
  'http.server, bounded',
  sourceConformance<unknown>({
    create: async (fs) => {
      const source = http.receive<unknown>({ port: 0 })
      const context = contextOf(simPlatform({ seed: 1, fs }), { directory: 'connector' })
      const reader = await source.open('inbox', undefined, context)
      await postValues((await source.address()).url, records)
      await reader.close()
      return { source: () => http.receive<unknown>({ port: 0 }), splits, headers }
    },
    features: { ...features, ends: true, grows: false },
  }),
  { describe, test },
)
