import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memory } from '@millrace/connector-memory'
import type { Sink, Source } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { WebSocket } from 'ws'
import { afterEach, describe, expect, test } from 'vitest'
import { http, sse, websocket } from '../src/index.ts'
import { KeyReceiver } from './key-receiver.ts'
import { LoopbackProxy, LoopbackServer } from './loopback.ts'

const count = 10_000
const numbers = Array.from({ length: count }, (_, n) => n)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-http-'))
  cleanups.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function copy<T>(directory: string, source: Source<T>, sink: Sink<T>, isBounded = false): Job {
  const job = startJob({
    graph: pipeline('copy', (p) => p.from('in', source).to('out', sink)).describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded,
    checkpoints: { everyMs: 20 },
    restart: { kind: 'none' },
  })
  cleanups.push(() => job.cancel())
  return job
}

/** Resolves when `condition` holds. */
function until(condition: () => boolean): Promise<void> {
  return expect.poll(condition, { timeout: 300_000, interval: 2 }).toBe(true)
}

describe('http.send to a real server', () => {
  test('loses and doubles nothing when the server restarts, and connections are cut or swallow everything', async () => {
    const receiver = new KeyReceiver<number>()
    const server = await LoopbackServer.open(receiver.listener)
    cleanups.push(() => server.stop())
    const proxy = await LoopbackProxy.open(() => server.port)
    cleanups.push(() => proxy.close())
    const sink = http.send<number>({
      url: `http://127.0.0.1:${proxy.port}/numbers`,
      orderBy: (n) => String(n % 16),
      concurrency: 16,
      timeout: '2s',
      retry: { firstPause: '10ms' },
    })
    const job = copy(await freshDirectory(), memory.read(numbers), sink, true)
    for (const at of [count / 3, count / 2]) {
      await until(() => receiver.accepted.length > at)
      await server.stop()
      await server.start()
    }
    await until(() => receiver.accepted.length > (count * 2) / 3)
    proxy.cut()
    await until(() => receiver.accepted.length > (count * 5) / 6)
    proxy.swallow()
    expect(await job.ended).toMatchObject({ outcome: 'finished' })
    expect(receiver.accepted.toSorted((a, b) => a - b)).toEqual(numbers)
    for (let lane = 0; lane < 16; lane++) {
      const ordered = receiver.accepted.filter((n) => n % 16 === lane)
      expect(ordered).toEqual(ordered.toSorted((a, b) => a - b))
    }
  })

  test('sends records of a cancelled job again with the keys that they had', async () => {
    const receiver = new KeyReceiver<number>()
    const server = await LoopbackServer.open(receiver.listener)
    cleanups.push(() => server.stop())
    const directory = await freshDirectory()
    const url = `http://127.0.0.1:${server.port}/numbers`
    for (let life = 1; life <= 4; life++) {
      const job = copy(directory, memory.read(numbers.slice(0, 2_000)), http.send<number>({ url }), true)
      await until(() => receiver.accepted.length > life * 400)
      if (life < 4) await job.cancel()
      else expect(await job.ended).toMatchObject({ outcome: 'finished' })
    }
    expect(receiver.accepted).toEqual(numbers.slice(0, 2_000))
  })
})

describe('http.poll of a real server', () => {
  test('reads each record once when the server restarts, connections are cut, and the job is cancelled', async () => {
    const pageOf = (after: number): number[] => numbers.slice(after, after + 50)
    const server = await LoopbackServer.open((request, response) => {
      const after = Number(new URL(request.url ?? '', 'http://x').searchParams.get('after'))
      response.setHeader('content-type', 'application/json').end(JSON.stringify(pageOf(after)))
    })
    cleanups.push(() => server.stop())
    const proxy = await LoopbackProxy.open(() => server.port)
    cleanups.push(() => proxy.close())
    const output = memory.write<number>()
    const directory = await freshDirectory()
    const source = (): Source<number> =>
      http.poll<number, number>({
        url: (after) => `http://127.0.0.1:${proxy.port}/numbers?after=${after ?? 0}`,
        cursor: ({ body }) => ((body as number[]).length === 0 ? undefined : (body as number[]).at(-1)! + 1),
        timeout: '2s',
      })
    const first = copy(directory, source(), output)
    for (const at of [count / 3, count / 2]) {
      await until(() => output.values.length > at)
      await server.stop()
      await server.start()
    }
    await first.cancel()
    const second = copy(directory, source(), output, true)
    proxy.cut()
    await until(() => output.values.length > (count * 2) / 3)
    proxy.swallow()
    expect(await second.ended).toMatchObject({ outcome: 'finished' })
    expect(output.values).toEqual(numbers)
  })
})

/** Sends numbers as events, and resumes after the last that a client has. */
function sendEvents(request: IncomingMessage, response: ServerResponse): void {
  const last = request.headers['last-event-id']
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 10\n\n')
  let next = last === undefined ? 0 : Number(last) + 1
  const send = (): void => {
    while (next < count) {
      const isTaken = response.write(`id: ${next}\ndata: ${next}\n\n`)
      next++
      // Small steps, so that a connection is in the middle of something when it is cut.
      if (!isTaken || next % 100 === 0) return void setImmediate(send)
    }
  }
  response.on('error', () => {})
  send()
}

describe('server-sent events of a real server', () => {
  test('are read once each when the server restarts, connections are cut, and the job is cancelled', async () => {
    const server = await LoopbackServer.open(sendEvents)
    cleanups.push(() => server.stop())
    const proxy = await LoopbackProxy.open(() => server.port)
    cleanups.push(() => proxy.close())
    const output = memory.write<number>()
    const directory = await freshDirectory()
    const source = (): Source<number> =>
      sse.read<number>({ url: `http://127.0.0.1:${proxy.port}/`, silence: '2s', timeout: '2s' })
    const first = copy(directory, source(), output)
    for (const at of [count / 3, count / 2]) {
      await until(() => output.values.length > at)
      await server.stop()
      await server.start()
    }
    await first.cancel()
    copy(directory, source(), output)
    proxy.cut()
    await until(() => output.values.length > (count * 2) / 3)
    proxy.swallow()
    await until(() => output.values.length === count)
    expect(output.values).toEqual(numbers)
  })

  test('go from one job to another, and none is lost when the connection between them is cut', async () => {
    const sender = sse.broadcast<number>({
      port: 0,
      id: String,
      history: { records: 20_000 },
      slowAfter: '60s',
    })
    const feed = memory.receive<number>()
    copy(await freshDirectory(), feed, sender)
    const { port } = await sender.address()
    const proxy = await LoopbackProxy.open(() => port)
    cleanups.push(() => proxy.close())
    const output = memory.write<number>()
    copy(await freshDirectory(), sse.read<number>({ url: `http://127.0.0.1:${proxy.port}/` }), output)
    // What is sent before the receiver has connected is not for it.
    await until(() => {
      feed.tryPush(-1)
      return output.values.length > 0
    })
    for (const n of numbers.slice(0, 5_000)) {
      await feed.push(n)
      if (n === 2_000) proxy.cut()
    }
    await until(() => output.values.at(-1) === 4_999)
    expect(output.values.filter((n) => n >= 0)).toEqual(numbers.slice(0, 5_000))
  })
})

describe('WebSockets', () => {
  test('go from one job to another; after a cut connection messages arrive again', async () => {
    const sender = websocket.broadcast<number>({ port: 0 })
    const feed = memory.receive<number>()
    copy(await freshDirectory(), feed, sender)
    const { port } = await sender.address()
    const proxy = await LoopbackProxy.open(() => port)
    cleanups.push(() => proxy.close())
    const output = memory.write<number>()
    copy(await freshDirectory(), websocket.read<number>({ url: `ws://127.0.0.1:${proxy.port}/` }), output)
    for (let round = 0; round < 3; round++) {
      const mark = -1 - round
      await until(() => {
        feed.tryPush(mark)
        return output.values.at(-1) === mark
      })
      for (let n = 0; n < 1_000; n++) await feed.push(n)
      await until(() => output.values.at(-1) === 999)
      const since = output.values.slice(output.values.lastIndexOf(mark) + 1)
      expect(since).toEqual(numbers.slice(0, 1_000))
      proxy.cut()
    }
  })

  test('of hostile clients do not stop a server, and good ones are heard', async () => {
    const source = websocket.receive<number>({ port: 0, messageBytesMax: 1_000 })
    const output = memory.write<number>()
    copy(await freshDirectory(), source, output)
    const { port } = await source.address()
    for (const bytes of [
      '\0\0\0\0',
      'GET / HTTP/1.1\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    ]) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(bytes)
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
    }
    const upgrade =
      'GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    // A frame of 2^40 bytes; one without a mask; one with an unknown code.
    for (const frame of [
      '\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00',
      '\x81\x01a',
      '\x8f\x80\x00\x00\x00\x00',
    ]) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(upgrade)
      socket.once('data', () => socket.write(frame, 'latin1'))
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
    }
    const client = new WebSocket(`ws://127.0.0.1:${port}`)
    await once(client, 'open')
    for (let n = 0; n < 100; n++) client.send(String(n))
    await until(() => output.values.length === 100)
    expect(output.values).toEqual(numbers.slice(0, 100))
    client.close()
  })
})
