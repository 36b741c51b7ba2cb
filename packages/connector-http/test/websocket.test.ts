import { describeCases, sinkConformance, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type {
  ServeSockets,
  ServerSocket,
  SocketListener,
  ConnectSocket,
} from '../src/websocket/socket-door.ts'
import { readVia, type ReadSocketOptions } from '../src/websocket/socket-client.ts'
import { broadcastVia, receiveVia, type ReceiveSocketOptions } from '../src/websocket/socket-server.ts'
import { post, type FakeRequestOptions } from './fake-request.ts'
import { batchOf, memoryContext, settle } from './memory-web.ts'

const encoder = new TextEncoder()
const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const messages = [...records.slice(0, 3), 'bad', ...records.slice(3)].map((record) =>
  encoder.encode(record === 'bad' ? 'not JSON' : JSON.stringify(record)),
)
const features = {
  durability: 'volatile',
  ends: false,
  severalSplits: false,
  failures: true,
  grows: false,
  acknowledges: false,
} as const

/** A server that a client connects to, in memory. */
class Remote {
  connections = 0
  readonly sent: string[] = []
  pings = 0
  failure: Error | undefined
  listener: SocketListener | undefined
  close: (reason: string) => void = () => {}
  readonly connect: ConnectSocket = async (_options, listener) => {
    this.connections++
    if (this.failure !== undefined) throw this.failure
    this.listener = listener
    const closed = new Promise<string>((resolve) => (this.close = resolve))
    return {
      send: (text) => void this.sent.push(text),
      ping: () => void this.pings++,
      closed,
      cut: () => this.close('it was cut'),
    }
  }
}

/** A server with clients in memory. */
class Local {
  begin: Parameters<ServeSockets>[0]['begin'] = () => undefined
  check: Parameters<ServeSockets>[0]['check'] = () => {}
  readonly serve: ServeSockets = async ({ begin, check }) => {
    this.begin = begin
    this.check = check
    return {
      address: { host: 'localhost', port: 1, url: 'ws://localhost:1' },
      beat: () => {},
      stop: async () => {},
      cut: () => {},
    }
  }
}

class Client implements ServerSocket {
  readonly number = 0
  readonly waitingBytes = 0
  readonly received: string[] = []
  #onClose: () => void = () => {}
  isEnded = false

  write(bytes: Uint8Array): void {
    this.received.push(new TextDecoder().decode(bytes))
  }

  listen(_onDrain: () => void, onClose: () => void): void {
    this.#onClose = onClose
  }

  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#onClose()
  }

  cut(): void {
    this.end()
  }
}

describeCases(
  'websocket.read',
  sourceConformance<unknown>({
    create: () => {
      const remote = new Remote()
      return Promise.resolve({
        source: () => readVia<unknown>(remote.connect, { url: 'wss://market.example/feed' }),
        splits: new Map([['messages', records]]),
        failures: new Map([['messages', 1]]),
        deliver: async () => {
          await settle()
          for (const message of messages) void remote.listener?.message(message)
        },
      })
    },
    features,
  }),
  { describe, test },
)

describeCases(
  'websocket.receive',
  sourceConformance<unknown>({
    create: () => {
      const local = new Local()
      return Promise.resolve({
        source: () => receiveVia<unknown>(local.serve, { port: 0 }),
        splits: new Map([['messages', records]]),
        failures: new Map([['messages', 1]]),
        deliver: async () => {
          await settle()
          const listener = local.begin(new Client())
          for (const message of messages) void listener?.message(message)
        },
      })
    },
    features,
  }),
  { describe, test },
)

describeCases(
  'websocket.broadcast to a client that is connected',
  sinkConformance<number>({
    create: () => {
      const clients: Client[] = []
      return Promise.resolve({
        sink: () => {
          const local = new Local()
          return broadcastVia<number>(
            async (options) => {
              const server = await local.serve(options)
              const client = new Client()
              options.begin(client)
              clients.push(client)
              return server
            },
            { port: 0 },
          )
        },
        record: (number) => number,
        visible: () => Promise.resolve(clients.flatMap(({ received }) => received.map(Number))),
      })
    },
    features: { guarantee: 'at-most-once', keepsFiles: false, severalSubtasks: true },
    unwritable: () => 1n as never,
  }),
  { describe, test },
)

async function reading(remote: Remote, options: Partial<ReadSocketOptions<unknown>> = {}) {
  const world = memoryContext({ name: 'in' })
  const source = readVia<unknown>(remote.connect, {
    url: 'wss://market.example/s3cret-path-of-mine',
    ...options,
  })
  const reader = await source.open('messages', null, world.context)
  await settle()
  return { ...world, reader }
}

test('a connection that is lost is replaced after growing pauses, with its greeting, and the outage is reported once', async () => {
  const remote = new Remote()
  const { clock, warnings, reader } = await reading(remote, { greeting: ['{"subscribe":"trades"}'] })
  remote.failure = new Error('connect ECONNREFUSED for /s3cret-path-of-mine')
  remote.close('the connection was closed (1006)')
  await clock.advance(60_000)
  expect(remote.connections).toBeGreaterThan(4)
  remote.failure = undefined
  await clock.advance(30_000)
  expect(remote.sent).toEqual(['{"subscribe":"trades"}', '{"subscribe":"trades"}'])
  expect(warnings).toEqual([expect.stringMatching(/^down: wss:\/\/market\.example/), 'up'])
  expect(warnings.join()).not.toContain('s3cret')
  await reader.close()
  expect(clock.pending).toBe(0)
})

test('a silent server is asked for a sign of life, and replaced if it gives none', async () => {
  const remote = new Remote()
  const { clock, reader } = await reading(remote, { silence: '30s' })
  await clock.advance(15_000)
  expect([remote.pings, remote.connections]).toEqual([1, 1])
  remote.listener!.isAlive()
  await clock.advance(29_000)
  expect(remote.connections).toBe(1)
  await clock.advance(2_000)
  expect(remote.connections).toBe(2)
  await reader.close()
})

test('a server is slowed down while many messages wait, and loses no connection for it', async () => {
  const remote = new Remote()
  const { clock, reader } = await reading(remote, { silence: '30s' })
  let full: Promise<void> | undefined
  let count = 0
  while (full === undefined) full = remote.listener!.message(encoder.encode(String(count++)))
  await clock.advance(300_000)
  expect(remote.connections).toBe(1)
  let isResumed = false
  void full.then(() => (isResumed = true))
  reader.poll(10)
  expect(reader.bytesRead).toBe('0123456789'.length)
  await settle()
  expect(isResumed).toBe(true)
  await reader.close()
})

test.each([
  ['a page of another origin', { headers: { origin: 'https://evil.example' } }, /origin of the page/],
  ['another host', { headers: { host: 'evil.example' } }, /host name/],
  ['no token', { headers: { authorization: 'Bearer no' } }, /token is required/],
  ['another path', { target: '/other' }, /no such path/],
] satisfies [string, FakeRequestOptions, RegExp][])('%s is refused', async (_name, request, message) => {
  const local = new Local()
  const options: ReceiveSocketOptions<unknown> = {
    port: 0,
    token: 'right',
    allowedOrigins: ['https://app.example'],
    clientsMax: 1,
  }
  const reader = await receiveVia<unknown>(local.serve, options).open(
    'messages',
    null,
    memoryContext().context,
  )
  const right = { authorization: 'Bearer right', origin: 'https://app.example' }
  const of = (changes: FakeRequestOptions) =>
    post({ method: 'GET', target: '/', ...changes, headers: { ...right, ...changes.headers } })
  expect(() => local.check(of(request))).toThrow(message)
  local.check(of({}))
  local.begin(new Client())
  expect(() => local.check(of({}))).toThrow('too many clients')
  await reader.close()
})

test('a broadcast ignores what clients send, and reaches each of them', async () => {
  const local = new Local()
  const sink = broadcastVia<number>(local.serve, { port: 0 })
  const writer = await sink.open(0, [], memoryContext().context)
  const clients = [new Client(), new Client()]
  for (const client of clients) expect(local.begin(client)).toBeUndefined()
  await writer.write(batchOf([1, 2]), () => {})
  for (const { received } of clients) expect(received).toEqual(['1', '2'])
  await writer.close()
  for (const { isEnded } of clients) expect(isEnded).toBe(true)
})

test.each([
  { url: 'https://market.example' },
  { url: 'wss://market.example', messageBytesMax: 0 },
  { url: 'wss://market.example', silence: 0 },
  { url: 'wss://market.example', greetings: [] } as never,
] satisfies ReadSocketOptions<unknown>[])('options that cannot be meant are refused: %j', (options) => {
  expect(() => readVia(new Remote().connect, options)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID' }),
  )
})
