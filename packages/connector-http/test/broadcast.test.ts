import { describeCases, noRejection, sinkConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { broadcastVia, type BroadcastEventsOptions, type Listen } from '../src/events/broadcast.ts'
import type { Answer, StreamAnswer } from '../src/incoming-request.ts'
import type { OutStream } from '../src/serve/hub.ts'
import { post, type FakeRequestOptions } from './fake-request.ts'
import { batchOf, memoryContext, settle } from './memory-web.ts'

/** A client in memory, which takes bytes only when the test says so, or at once. */
class Client implements OutStream {
  text = ''
  waitingBytes = 0
  isEnded = false
  readonly #takesAtOnce: boolean
  #onDrain: () => void = () => {}
  #onClose: () => void = () => {}

  constructor(takesAtOnce: boolean) {
    this.#takesAtOnce = takesAtOnce
  }

  write(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes)
    if (!this.#takesAtOnce) this.waitingBytes += bytes.length
  }

  listen(onDrain: () => void, onClose: () => void): void {
    this.#onDrain = onDrain
    this.#onClose = onClose
  }

  take(): void {
    this.waitingBytes = 0
    this.#onDrain()
  }

  cut(): void {
    this.end()
  }

  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#onClose()
  }

  /** The data of the events that it got. */
  get data(): string[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!)
  }
}

/** A server in memory. */
class Server {
  connect: (request: FakeRequestOptions) => Promise<Answer | StreamAnswer> = () =>
    Promise.reject(new Error('closed'))
  readonly listen: Listen = async ({ answer }) => {
    this.connect = (request) => answer(post({ method: 'GET', target: '/', body: '', ...request }))
    return {
      address: { host: 'localhost', port: 1, url: 'http://localhost:1' },
      stop: async () => {},
      cut: () => {},
    }
  }

  async client(takesAtOnce = true, headers: Readonly<Record<string, string>> = {}): Promise<Client> {
    const answer = await this.connect({ headers })
    const client = new Client(takesAtOnce)
    ;(answer as StreamAnswer).stream(client)
    return client
  }
}

async function broadcasting<T>(options: Partial<BroadcastEventsOptions<T>> = {}) {
  const server = new Server()
  const sink = broadcastVia<T>(server.listen, { port: 0, ...options })
  const world = memoryContext()
  const writer = await sink.open(0, [], world.context)
  const rejected: number[] = []
  const write = async (values: readonly T[]): Promise<void> =>
    writer.write(batchOf(values), (index) => void rejected.push(index))
  return { ...world, server, sink, writer, write, rejected }
}

describeCases(
  'sse.broadcast to a client that is connected',
  sinkConformance<number>({
    create: () => {
      const seen: number[] = []
      const clients: Client[] = []
      return Promise.resolve({
        sink: () => {
          const server = new Server()
          const sink = broadcastVia<number>(
            async (options) => {
              const running = await server.listen(options)
              clients.push(await server.client())
              return running
            },
            { port: 0 },
          )
          return sink
        },
        record: (number) => number,
        visible: () => {
          for (const client of clients.splice(0)) seen.push(...client.data.map(Number))
          return Promise.resolve(seen)
        },
      })
    },
    features: { guarantee: 'at-most-once', keepsFiles: false, severalSubtasks: true },
    unwritable: () => 1n as never,
  }),
  { describe, test },
)

test('a client gets records as events, from when it connects', async () => {
  const { server, write } = await broadcasting<{ id: number; text: string }>({
    id: ({ id }) => `r${id}`,
    event: () => 'note',
    encode: ({ text }) => text,
    retry: '5s',
  })
  await write([{ id: 1, text: 'before' }])
  const client = await server.client()
  await write([{ id: 2, text: 'one\ntwo' }])
  expect(client.text).toBe('retry: 5000\n\nid: r2\nevent: note\ndata: one\ndata: two\n\n')
})

test('a client that returns gets what it has missed, and an event if that is no longer known', async () => {
  const { server, write } = await broadcasting<number>({ id: (n) => String(n), history: { records: 10 } })
  await write(Array.from({ length: 20 }, (_, n) => n))
  const missed = await server.client(true, { 'last-event-id': '16' })
  expect(missed.data).toEqual(['17', '18', '19'])
  const nothing = await server.client(true, { 'last-event-id': '19' })
  expect(nothing.data).toEqual([])
  const long = await server.client(true, { 'last-event-id': '3' })
  expect(long.text).toContain('event: gap\ndata: {"after":"3"}\n\n')
  expect(long.data.slice(1)).toEqual(['10', '11', '12', '13', '14', '15', '16', '17', '18', '19'])
})

test('a slow client gets everything in order when it takes it, and what waits in its connection is bounded', async () => {
  const line = 'x'.repeat(1_000)
  const { server, write } = await broadcasting<string>({ history: { records: 500 } })
  const client = await server.client(false)
  await write(Array.from({ length: 400 }, (_, n) => `${n} ${line}`))
  expect(client.waitingBytes).toBeLessThan(70_000)
  for (let turn = 0; turn < 10; turn++) client.take()
  expect(client.data.map((data) => Number.parseInt(data.slice(1), 10))).toEqual(
    Array.from({ length: 400 }, (_, n) => n),
  )
})

test('a client that takes nothing keeps the pipeline waiting for slowAfter, and no longer; others lose nothing', async () => {
  const line = 'x'.repeat(10_000)
  const { clock, server, write } = await broadcasting<string>({ history: { records: 20 }, slowAfter: '5s' })
  const stuck = await server.client(false)
  const good = await server.client()
  let isWritten = false
  const writing = write(Array.from({ length: 100 }, (_, n) => `${n} ${line}`)).then(() => (isWritten = true))
  await clock.advance(4_900)
  expect([isWritten, stuck.isEnded]).toEqual([false, false])
  await clock.advance(200)
  expect(stuck.isEnded).toBe(true)
  await writing
  expect(good.data).toHaveLength(100)
})

test('a client that is slow all the time does not hold up the pipeline for longer than slowAfter in all', async () => {
  const line = 'x'.repeat(100_000)
  const { clock, server, write } = await broadcasting<string>({ history: { records: 5 }, slowAfter: '5s' })
  const slow = await server.client(false)
  const started = clock.monotonic()
  let ended = 0
  const writing = write(Array.from({ length: 1_000 }, (_, n) => `${n} ${line}`)).then(
    () => (ended = clock.monotonic()),
  )
  for (let second = 0; second < 60 && ended === 0; second++) {
    await clock.advance(1_000)
    slow.take()
    await settle()
  }
  expect(slow.isEnded).toBe(true)
  await writing
  expect(ended - started).toBeLessThanOrEqual(6_000)
})

test('a sign of life is sent while there is nothing else', async () => {
  const { clock, server, writer } = await broadcasting<number>({ heartbeat: '15s' })
  const client = await server.client()
  await clock.advance(31_000)
  expect(client.text.endsWith(':\n\n:\n\n')).toBe(true)
  await writer.close()
  expect(client.isEnded).toBe(true)
  expect(clock.pending).toBe(0)
})

test.each([
  ['another host', { headers: { host: 'evil.example' } }, 421],
  ['another path', { target: '/other' }, 404],
  ['another method', { method: 'POST' }, 405],
  ['no token', {}, 401],
  ['a wrong token', { headers: { authorization: 'Bearer nope' } }, 401],
] satisfies [string, FakeRequestOptions, number][])('%s is refused', async (_name, request, status) => {
  const { server } = await broadcasting<number>({ token: 'right' })
  expect(await server.connect(request)).toMatchObject({ status })
})

test('a web page may read only if its origin is allowed, and there are no more clients than allowed', async () => {
  const { server } = await broadcasting<number>({
    allowedOrigins: ['https://app.example'],
    subscribersMax: 1,
  })
  const allowed = await server.connect({ headers: { origin: 'https://app.example' } })
  expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example')
  const other = await server.connect({ headers: { origin: 'https://evil.example' } })
  expect(other.headers['access-control-allow-origin']).toBeUndefined()
  await server.client()
  expect(await server.connect({})).toMatchObject({ status: 503 })
})

test('a record whose id or name breaks the line is rejected, and the others arrive', async () => {
  const { server, write, rejected } = await broadcasting<string>({ id: (text) => text })
  const client = await server.client()
  await write(['a', 'b\ndata: forged', 'c'])
  expect([client.data, rejected]).toEqual([['"a"', '"c"'], [1]])
})

test('subtasks share one server, which stops with the last of them', async () => {
  const { server, sink, writer, context } = await broadcasting<number>()
  const second = await sink.open(1, [], context)
  const client = await server.client()
  await writer.write(batchOf([1]), noRejection)
  await second.write(batchOf([2]), noRejection)
  await writer.close()
  expect([client.data, client.isEnded]).toEqual([['1', '2'], false])
  await second.close()
  expect(client.isEnded).toBe(true)
})
