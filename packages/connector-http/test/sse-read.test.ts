import { describeCases, sourceConformance } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '../src/client/http-door.ts'
import { EventParser, type ParsedPart } from '../src/events/event-parser.ts'
import type { EventPosition } from '../src/events/event-reader.ts'
import { readEventsPlanOf, type ReadEventsOptions } from '../src/events/read-options.ts'
import { EventSource } from '../src/events/read-source.ts'
import { memoryContext, memoryDoor, settle, type MemoryAnswer, type MemoryServer } from './memory-web.ts'

const url = 'https://events.example/live?key=s3cret-key'
const encoder = new TextEncoder()
const type = { 'content-type': 'text/event-stream; charset=utf-8' }

function parsed(chunks: readonly Uint8Array[], bytesMax = 1_000): unknown[] {
  const parser = new EventParser(bytesMax)
  return chunks.flatMap((chunk) => parser.push(chunk)).map(plain)
}

function plain(part: ParsedPart): unknown {
  if (part.kind !== 'event') return part
  const { data, ...event } = part.event
  return { ...event, data: new TextDecoder().decode(data) }
}

describe('the parser of events', () => {
  const text =
    '\uFEFF: hello\nretry: 250\n\nid: 1\nevent: a\ndata: one\ndata:two\n\ndata\r\n\r\nid: 2\r\rdata: {"a":"ü"}\rid:3\r\rid\n\nno field\n\ndata: not ended'
  const expected = [
    { kind: 'retry', ms: 250 },
    { event: 'a', id: '1', isCut: false, data: 'one\ntwo' },
    { event: 'message', id: undefined, isCut: false, data: '' },
    { kind: 'id', id: '2' },
    { event: 'message', id: '3', isCut: false, data: '{"a":"ü"}' },
    { kind: 'id', id: '' },
  ]

  test('finds the same events however their bytes are cut', () => {
    const bytes = encoder.encode(text)
    expect(parsed([bytes])).toEqual(expected)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const chunks = places.slice(1).map((end, at) => bytes.slice(places[at], end))
        expect(parsed(chunks)).toEqual(expected)
      }),
    )
  })

  test('takes any bytes, and keeps no more of an event than allowed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (chunks) => {
        parsed(chunks, 16)
      }),
    )
    const long = encoder.encode(`data: ${'x'.repeat(5_000)}\n\ndata: next\n\n`)
    expect(parsed([long], 100)).toMatchObject([{ isCut: true }, { isCut: false, data: 'next' }])
    const lines = encoder.encode(`${'data: 0123456789\n'.repeat(500)}\n`)
    const [event] = parsed([lines], 100) as { isCut: boolean; data: string }[]
    expect(event).toMatchObject({ isCut: true })
    expect(event!.data.length).toBeLessThan(100)
  })
})

/** Sends a list of events, and after them what is added, over as many connections as it likes. */
class EventServer {
  readonly events: { id: string; data: string }[]
  readonly requests: HttpRequest[] = []
  /** After so many events it ends its answer; for a bounded job also after the last. */
  perConnection = Infinity
  #wake: () => void = () => {}

  constructor(records: readonly string[]) {
    this.events = records.map((data, at) => ({ id: `event-${at}`, data }))
  }

  readonly answer = (request: HttpRequest): MemoryAnswer => {
    if (request.method === 'CONNECT') return { status: 200 }
    this.requests.push(request)
    return { status: 200, headers: type, body: this.#send(request.headers['last-event-id']) }
  }

  add(records: readonly string[]): void {
    for (const data of records) this.events.push({ id: `event-${this.events.length}`, data })
    this.#wake()
  }

  async *#send(lastId: string | undefined): AsyncIterable<Uint8Array> {
    let next = lastId === undefined ? 0 : Number(lastId.slice('event-'.length)) + 1
    yield encoder.encode('retry: 10\n\n')
    for (let sent = 0; sent < this.perConnection; sent++, next++) {
      while (next >= this.events.length) {
        if (this.perConnection === 1_000) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
      const { id, data } = this.events[next]!
      yield encoder.encode(`id: ${id}\ndata: ${data}\n\n`)
    }
  }
}

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value))

function sourceOf(
  server: MemoryServer,
  options: Partial<ReadEventsOptions<unknown>> = {},
): EventSource<unknown> {
  return new EventSource(readEventsPlanOf({ url, ...options }), memoryDoor(server))
}

for (const perConnection of [2, Infinity]) {
  describeCases(
    `sse.read of a server that ${perConnection === 2 ? 'ends often' : 'never ends'}`,
    sourceConformance<unknown>({
      create: () => {
        const server = new EventServer([...json(records.slice(0, 3)), 'not JSON', ...json(records.slice(3))])
        server.perConnection = perConnection
        return Promise.resolve({
          source: () => sourceOf(server.answer),
          splits: new Map([['events', records]]),
          failures: new Map([['events', 1]]),
          append: (_split, more) => Promise.resolve(server.add(json(more))),
          more: ['more', 'and more'],
        })
      },
      features: {
        durability: 'replayable',
        ends: false,
        severalSplits: false,
        failures: true,
        grows: true,
        acknowledges: false,
      },
    }),
    { describe, test },
  )
}

async function reading(
  server: MemoryServer,
  options: Partial<ReadEventsOptions<unknown>> = {},
  isBounded = false,
  from?: EventPosition,
) {
  const world = memoryContext({ name: 'in', isBounded })
  const reader = await sourceOf(server, options).open('events', from, world.context)
  const taken = async (): Promise<unknown[]> => {
    const all: unknown[] = []
    for (;;) {
      await settle()
      const poll = reader.poll(100)
      if (poll.kind !== 'records') return poll.kind === 'end' ? [...all, 'end'] : all
      all.push(...poll.values, ...(poll.failures ?? []).map(({ error }) => (error as Error).message))
    }
  }
  return { ...world, reader, taken }
}

function sends(text: string, headers: Readonly<Record<string, string>> = type): MemoryServer {
  return ({ method }) => (method === 'CONNECT' ? { status: 200 } : { status: 200, headers, body: text })
}

test('events of other names are skipped, and a client resumes after them too', async () => {
  const { reader, taken } = await reading(
    sends('id: 1\nevent: a\ndata: 1\n\nid: 2\nevent: b\ndata: 2\n\nid: 3\ndata: 3\n\nid: 4\n\n'),
    { events: ['b', 'message'] },
    true,
  )
  expect(await taken()).toEqual([2, 3, 'end'])
  expect(reader.position()).toEqual({ id: '4' })
  expect(reader.bytesRead).toBe('23'.length)
  await reader.close()
})

test('the next connection begins after the pause that the server asks for, with the last id', async () => {
  const requests: HttpRequest[] = []
  const { clock, reader, taken } = await reading((request) => {
    if (request.method === 'CONNECT') return { status: 200 }
    requests.push(request)
    return {
      status: 200,
      headers: type,
      body: `retry: 30000\nid: ü${requests.length}\ndata: ${requests.length}\n\n`,
    }
  })
  expect(await taken()).toEqual([1])
  await clock.advance(29_000)
  expect(await taken()).toEqual([])
  await clock.advance(1_000)
  expect(await taken()).toEqual([2])
  expect(requests[0]!.headers['last-event-id']).toBeUndefined()
  expect(Buffer.from(requests[1]!.headers['last-event-id']!, 'latin1').toString()).toBe('ü1')
  await reader.close()
})

test('a silent connection is replaced, and one that sends comments is not', async () => {
  let connections = 0
  async function* comments(): AsyncIterable<Uint8Array> {
    for (;;) {
      await new Promise<void>((resolve) => world.clock.schedule(20_000, resolve))
      yield encoder.encode(':\n')
    }
  }
  async function* silence(): AsyncIterable<Uint8Array> {
    yield encoder.encode(':\n')
    await new Promise(() => {})
  }
  let body = comments
  const world = await reading(
    ({ method }) => {
      if (method !== 'CONNECT') connections++
      return { status: 200, headers: type, body: body() }
    },
    { silence: '30s' },
  )
  await world.clock.advance(300_000)
  expect(connections).toBe(1)
  await world.reader.close()
  body = silence
  const other = await reading(
    ({ method }) => {
      if (method !== 'CONNECT') connections++
      return { status: 200, headers: type, body: body() }
    },
    { silence: '30s' },
  )
  await other.clock.advance(100_000)
  expect(connections).toBeGreaterThan(2)
  await other.reader.close()
})

test.each([
  ['a lost connection', () => new Error('ECONNRESET s3cret-key')],
  ['503', () => ({ status: 503, headers: { 'retry-after': '9' } })],
] satisfies [string, () => MemoryAnswer][])(
  '%s: the source waits, and reports the outage once',
  async (_name, failure) => {
    let failures = 4
    const { clock, warnings, reader, taken } = await reading((request) =>
      request.method !== 'CONNECT' && failures-- > 0 ? failure() : sends('id: 1\ndata: 1\n\n')(request),
    )
    await clock.advance(120_000)
    expect((await taken())[0]).toBe(1)
    expect(warnings).toEqual([expect.stringMatching(/^down: https:\/\/events\.example/), 'up'])
    expect(warnings.join()).not.toContain('s3cret')
    await reader.close()
  },
)

test.each([
  ['a refusal', () => ({ status: 404 }), 'source in: https://events.example has answered 404; check the url'],
  [
    'a web page',
    () => ({ status: 200, headers: { 'content-type': 'text/html' } }),
    'answers with text/html; give the url',
  ],
  [
    'compression',
    () => ({ status: 200, headers: { ...type, 'content-encoding': 'gzip' } }),
    'the Content-Encoding gzip',
  ],
] satisfies [string, () => MemoryAnswer, string][])(
  '%s ends the job with the reason',
  async (_name, answer, message) => {
    const { reader } = await reading(({ method }) => (method === 'CONNECT' ? { status: 200 } : answer()))
    await settle()
    expect(() => reader.poll(1)).toThrow(message)
    await reader.close()
  },
)

test('an event that is too large is a failure, and the next one is read', async () => {
  const { reader, taken } = await reading(
    sends(`data: "${'x'.repeat(500)}"\n\ndata: 2\n\n`),
    { eventBytesMax: 100 },
    true,
  )
  expect(await taken()).toEqual([2, 'the event has more than 100 bytes (eventBytesMax)', 'end'])
  await reader.close()
})

test('204 ends the input', async () => {
  const { reader, taken } = await reading(() => ({ status: 204 }))
  expect(await taken()).toEqual(['end'])
  await reader.close()
})
