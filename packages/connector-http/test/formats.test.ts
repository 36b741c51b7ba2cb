import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { Format, Source } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import type { DeadLetter } from '@millrace/core/operator'
import { deadLetter, pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { http, sse, websocket } from '../src/index.ts'
import { LoopbackServer } from './loopback.ts'

/** A number as two bytes, of which the first one is a sign of the format. */
function numbers(first: number): Format<number> {
  return {
    name: 'numbers',
    contentType: 'application/x-numbers',
    decode: (bytes) => {
      if (bytes.length === 2 && bytes[0] === first) return bytes[1]!
      throw new MillraceError('DECODE_FAILED', 'no number')
    },
    encode: (n) => Uint8Array.of(first, n),
  }
}
/** Its bytes are neither JSON nor UTF-8. */
const odd = numbers(0xff)
const text = numbers(0x23)

interface Reading {
  readonly job: Job
  readonly read: readonly number[]
  readonly letters: () => readonly DeadLetter[]
}

/** Starts a job that reads a source. */
async function reading(source: Source<number>): Promise<Reading> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-http-formats-'))
  const read: number[] = []
  const letters = memory.write<DeadLetter>()
  const built = pipeline('formats', (p) => {
    p.from('in', source, { onError: deadLetter('letters', letters) })
      .map((n) => read.push(n))
      .to('out', memory.write())
  })
  const job = startJob({
    graph: built.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: false,
    checkpoints: { everyMs: 10 },
    restart: { kind: 'none' },
  })
  onTestFinished(async () => {
    await job.cancel()
    await rm(directory, { recursive: true, force: true })
  })
  return { job, read, letters: () => letters.values }
}

async function readsWithOneLetter({ read, letters }: Reading, raw: readonly number[]): Promise<void> {
  await expect.poll(() => read, { timeout: 300_000 }).toEqual([1, 2])
  await expect.poll(() => letters().length, { timeout: 300_000 }).toBe(1)
  expect(letters()[0]).toMatchObject({ message: expect.stringContaining('no number') })
  expect([...Buffer.from(letters()[0]!.raw!, 'base64')]).toEqual(raw)
}

test('http.receive takes one record in a format as a body, also bytes that are no text', async () => {
  const source = http.receive({ port: 0, format: odd })
  const job = await reading(source)
  const { url } = await source.address()
  const post = (body: Uint8Array, type: string): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { 'content-type': type }, body: body as never })
  for (const body of [odd.encode(1), Uint8Array.of(7), odd.encode(2)]) {
    const answer = await post(body, 'application/x-numbers; charset=none')
    expect([answer.status, await answer.json()]).toEqual([200, { accepted: 1 }])
  }
  await readsWithOneLetter(job, [7])
  const refused = await post(Buffer.from('1'), 'application/json')
  expect([refused.status, refused.headers.get('accept-post')]).toEqual([415, 'application/x-numbers'])
  expect(source.decode!(odd.encode(9))).toBe(9)
})

test('a format whose media type a web page may send without asking is refused', () => {
  const format = { ...odd, contentType: 'Text/Plain; charset=utf-8' }
  expect(() => http.receive({ port: 0, format })).toThrow(/contentType of the format/)
})

test('websocket.receive and websocket.read take messages in a format', async () => {
  const source = websocket.receive({ port: 0, format: odd })
  const received = await reading(source)
  const { port } = await source.address()
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  onTestFinished(() => client.terminate())
  await once(client, 'open')
  const messages = [odd.encode(1), Uint8Array.of(7), odd.encode(2)]
  for (const message of messages) client.send(message)
  await readsWithOneLetter(received, [7])

  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  server.on('connection', (socket) => {
    for (const message of messages) socket.send(message)
  })
  const { port: open } = server.address() as { readonly port: number }
  await readsWithOneLetter(await reading(websocket.read({ url: `ws://127.0.0.1:${open}`, format: odd })), [7])
})

test('sse.read takes events whose data is in a format', async () => {
  const server = await LoopbackServer.open((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const data = [text.encode(1), Uint8Array.of(0x37), text.encode(2)]
    for (const [id, bytes] of data.entries()) {
      response.write(Buffer.concat([Buffer.from(`id: ${id}\ndata: `), bytes, Buffer.from('\n\n')]))
    }
  })
  onTestFinished(() => server.stop())
  await readsWithOneLetter(
    await reading(sse.read({ url: `http://127.0.0.1:${server.port}/`, format: text })),
    [0x37],
  )
})

test('a format and something else that decodes are refused together', () => {
  const schema = (value: unknown): number => Number(value)
  const decode = (): number => 1
  const both = /there are a format and (schema|decode)/
  expect(() => http.receive({ port: 0, format: odd, schema })).toThrow(both)
  expect(() => websocket.read({ url: 'ws://a', format: odd, schema })).toThrow(both)
  expect(() => websocket.receive({ port: 0, format: odd, decode })).toThrow(both)
  expect(() => sse.read({ url: 'http://a', format: odd, decode })).toThrow(both)
})
