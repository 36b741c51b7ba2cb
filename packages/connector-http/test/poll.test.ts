import { gzipSync } from 'node:zlib'
import { describeCases, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { SplitReader } from '@millrace/core/connector'
import type { HttpRequest } from '../src/client/http-door.ts'
import { pollPlanOf, type PollOptions } from '../src/poll/poll-options.ts'
import type { PollPosition } from '../src/poll/poll-position.ts'
import { PollSource } from '../src/poll/poll-source.ts'
import { memoryContext, memoryDoor, settle, type MemoryAnswer, type MemoryServer } from './memory-web.ts'

const url = 'https://api.example/items?key=s3cret-key'

/** Hands out a list by pages of three; a page begins after the item that its cursor names. */
class PagedServer {
  readonly items: unknown[]
  readonly requests: HttpRequest[] = []

  constructor(items: readonly unknown[]) {
    this.items = [...items]
  }

  readonly answer = (request: HttpRequest): MemoryAnswer => {
    if (request.method === 'CONNECT') return { status: 200 }
    this.requests.push(request)
    const after = Number(request.url.searchParams.get('after'))
    const items = this.items.slice(after, after + 3)
    const etag = `"${after}-${items.length}"`
    if (request.headers['if-none-match'] === etag) return { status: 304 }
    return { status: 200, headers: { etag }, body: JSON.stringify({ items, next: after + items.length }) }
  }
}

interface Body {
  readonly items: readonly unknown[]
  readonly next: number
}

/** Pages that move on only when they are full, so that the last one grows; or always. */
function paged(isFullOnly: boolean): PollOptions<unknown, number> {
  return {
    url: (after) => `${url}&after=${after ?? 0}`,
    records: ({ body }) => (body as Body).items,
    cursor: ({ body }) => (isFullOnly && (body as Body).items.length < 3 ? undefined : (body as Body).next),
    schema: (value) => {
      if (value === 'bad') throw new TypeError('this one is bad')
      return value
    },
  }
}

function sourceOf(server: MemoryServer, options: PollOptions<unknown, number>): PollSource<unknown> {
  return new PollSource(pollPlanOf(options), memoryDoor(server))
}

for (const isFullOnly of [true, false]) {
  const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  describeCases(
    `http.poll of pages ${isFullOnly ? 'of which the last one grows' : 'that move on always'}`,
    sourceConformance<unknown>({
      create: () => {
        const server = new PagedServer([...records.slice(0, 4), 'bad', ...records.slice(4)])
        return Promise.resolve({
          source: () => sourceOf(server.answer, paged(isFullOnly)),
          splits: new Map([['pages', records]]),
          failures: new Map([['pages', 1]]),
          append: (_split, more) => Promise.resolve(void server.items.push(...more)),
          more: ['more', 'and more'],
        })
      },
      features: {
        durability: 'replayable',
        ends: true,
        severalSplits: false,
        failures: true,
        grows: true,
        acknowledges: false,
      },
    }),
    { describe, test },
  )
}

async function reading(server: MemoryServer, options: PollOptions<unknown, number>, from?: PollPosition) {
  const world = memoryContext({ name: 'in' })
  const reader = await sourceOf(server, options).open('pages', from, world.context)
  return { ...world, reader }
}

/** Everything that is there now: records, and errors of what cannot be decoded. */
async function taken(reader: SplitReader<unknown, PollPosition>, limit = 100): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    await settle()
    const poll = reader.poll(limit)
    if (poll.kind !== 'records') return all
    all.push(...poll.values, ...(poll.failures ?? []).map(({ error }) => (error as Error).message))
  }
}

const snapshot: PollOptions<unknown, number> = { url, every: '1m' }

describe('an answer without pages', () => {
  test('is handed out again when it has changed, with ETag, with Last-Modified, and without', async () => {
    for (const field of ['etag', 'last-modified', 'x-other']) {
      let body = [1, 2]
      let version = 1
      let unchanged = 0
      const { clock, reader } = await reading(({ headers }) => {
        const known = headers[field === 'etag' ? 'if-none-match' : 'if-modified-since']
        if (field !== 'x-other' && known === `v${version}`) {
          unchanged++
          return { status: 304 }
        }
        return { status: 200, headers: { [field]: `v${version}` }, body: JSON.stringify(body) }
      }, snapshot)
      expect(await taken(reader)).toEqual([1, 2])
      await clock.advance(180_000)
      expect(await taken(reader)).toEqual([])
      expect(unchanged).toBe(field === 'x-other' ? 0 : 3)
      body = [1, 2, 3]
      version++
      await clock.advance(60_000)
      expect(await taken(reader)).toEqual([1, 2, 3])
      await reader.close()
    }
  })

  test('is continued after a restart where it was if it is the same, and begun again if it has changed', async () => {
    let body = [1, 2, 3]
    const server: MemoryServer = () => ({ status: 200, body: JSON.stringify(body) })
    const first = await reading(server, snapshot)
    await settle()
    first.reader.poll(2)
    const position = first.reader.position()
    await first.reader.close()
    const second = await reading(server, snapshot, position)
    expect(await taken(second.reader)).toEqual([3])
    await second.reader.close()
    body = [5, 6, 7]
    const third = await reading(server, snapshot, position)
    await settle()
    const poll = third.reader.poll(1)
    expect(poll).toMatchObject({ values: [5] })
    // Another place than that of the first record of before: what is made of it is not taken for a replay.
    expect(poll.kind === 'records' && poll.origin!.place(0)).toBe('page 1, record 0')
    await third.reader.close()
  })
})

describe('a server that does not work', () => {
  test.each([
    ['a lost connection', () => new Error('ECONNRESET')],
    ['silence', () => 'silence'],
    ['429', () => ({ status: 429, headers: { 'retry-after': '20' } })],
    ['502', () => ({ status: 502 })],
    [
      'an answer with another coding',
      () => ({ status: 200, headers: { 'content-encoding': 'zstd' }, body: 'x' }),
    ],
    [
      'damaged compression',
      () => ({ status: 200, headers: { 'content-encoding': 'gzip' }, body: 'no gzip' }),
    ],
  ] satisfies [string, () => MemoryAnswer][])(
    '%s: it is asked again, and the outage is reported once, without secrets',
    async (_name, failure) => {
      let failures = 4
      const { clock, warnings, reader } = await reading(
        ({ method }) => (method !== 'CONNECT' && failures-- > 0 ? failure() : { status: 200, body: '[1]' }),
        { ...snapshot, timeout: '5s' },
      )
      await clock.advance(300_000)
      expect(await taken(reader)).toEqual([1])
      expect(warnings).toEqual([expect.stringMatching(/^down: https:\/\/api\.example/), 'up'])
      expect(warnings.join()).not.toContain('s3cret')
      await reader.close()
    },
  )

  test('refuses the request: the job ends with the reason, and nothing is asked again', async () => {
    let requests = 0
    const { reader } = await reading(({ url: { href }, method }) => {
      if (method === 'GET') requests++
      return { status: 403, body: `no ${href}` }
    }, snapshot)
    await settle()
    expect(() => reader.poll(1)).toThrow(
      'source in: https://api.example has answered 403: no https://api.example******',
    )
    expect(requests).toBe(1)
    await reader.close()
  })
})

describe('what a server sends', () => {
  test('is no JSON: one failure with its bytes, again only when it has changed', async () => {
    let body = '<html>oops</html>'
    const { clock, reader } = await reading(() => ({ status: 200, body }), snapshot)
    expect(await taken(reader)).toEqual([expect.stringMatching(/^not JSON/)])
    await clock.advance(180_000)
    expect(await taken(reader)).toEqual([])
    body = '[1]'
    await clock.advance(60_000)
    expect(await taken(reader)).toEqual([1])
    body = '{"no":"array"}'
    await clock.advance(60_000)
    expect(await taken(reader)).toEqual([expect.stringContaining('say with the option records')])
    await reader.close()
  })

  test('is compressed, and never more than allowed, neither as it is sent nor inflated', async () => {
    const zipped = (text: string): MemoryAnswer => ({
      status: 200,
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync(text),
    })
    const small = await reading(() => zipped('[1,2]'), { ...snapshot, bodyBytesMax: 1_000 })
    expect(await taken(small.reader)).toEqual([1, 2])
    await small.reader.close()
    async function* endless(): AsyncIterable<Uint8Array> {
      for (;;) yield new Uint8Array(100)
    }
    for (const answer of [zipped(' '.repeat(1_000_000)), { status: 200, body: endless() }]) {
      const { reader } = await reading(({ method }) => (method === 'GET' ? answer : { status: 200 }), {
        ...snapshot,
        bodyBytesMax: 1_000,
      })
      await settle()
      expect(() => reader.poll(1)).toThrow('more than 1000 bytes (bodyBytesMax)')
      await reader.close()
    }
  })

  test('is a redirect: it is followed, and another origin gets no credentials', async () => {
    const requests: HttpRequest[] = []
    const { reader } = await reading(
      (request) => {
        if (request.method !== 'CONNECT') requests.push(request)
        const { host, pathname } = request.url
        if (host === 'other.example') return { status: 200, body: '[1]' }
        const location = pathname === '/moved' ? 'https://other.example/items' : '/moved'
        return { status: 302, headers: { location } }
      },
      {
        url: 'https://user:word@api.example/items',
        headers: { authorization: 'Bearer abc', 'x-api-key': 'k' },
      },
    )
    expect(await taken(reader)).toEqual([1])
    expect(requests.map(({ url: { href } }) => href)).toEqual([
      'https://api.example/items',
      'https://api.example/moved',
      'https://other.example/items',
    ])
    expect(requests[1]!.headers).toMatchObject({
      'x-api-key': 'k',
      authorization: expect.stringMatching(/^Basic /),
    })
    expect(Object.keys(requests[2]!.headers).toSorted()).toEqual(['accept', 'accept-encoding'])
    await reader.close()
  })

  test.each([
    ['without an end', 'https://api.example/again', 'more than 5 redirects'],
    ['without encryption', 'http://api.example/items', 'has answered 307'],
    ['with credentials', 'https://a:b@api.example/items', 'has answered 307'],
  ])('is a redirect %s: it is not followed', async (_name, location, problem) => {
    const { warnings, reader, clock } = await reading(
      ({ method }) => (method === 'CONNECT' ? { status: 200 } : { status: 307, headers: { location } }),
      snapshot,
    )
    await clock.advance(10_000)
    let thrown = ''
    try {
      reader.poll(1)
    } catch (error) {
      thrown = String(error)
    }
    expect(`${warnings.join()} ${thrown}`).toContain(problem)
    await reader.close()
  })
})

test('a cursor asks for the next page at once, and after the last one waits', async () => {
  const server = new PagedServer([1, 2, 3, 4, 5, 6, 7])
  const { clock, reader } = await reading(server.answer, { ...paged(false), every: '1m' })
  expect(await taken(reader)).toEqual([1, 2, 3, 4, 5, 6, 7])
  // Three pages, and one that is empty.
  expect(server.requests).toHaveLength(4)
  await clock.advance(59_000)
  expect(server.requests).toHaveLength(4)
  await clock.advance(1_000)
  expect(server.requests).toHaveLength(5)
  await reader.close()
})

test.each([
  [{ url: 'items' }, /the url is not an address/],
  [{ url, cursor: () => 1 }, /give a url that is a function of the cursor/],
  [{ url, every: 0 }, /every must be longer than zero/],
  [{ url, bodyBytesMax: -1 }, /bodyBytesMax is -1/],
] satisfies [PollOptions<unknown, number>, RegExp][])(
  'options that cannot be meant are refused: %j',
  (options, message) => {
    expect(() => pollPlanOf(options)).toThrow(message)
  },
)
