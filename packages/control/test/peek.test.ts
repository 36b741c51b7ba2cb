import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import { jobOptionsOf, output, pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { client, type PeekEnd, type PeekOptions, type PeekProgress, type PeekRecord } from '../src/client.ts'
import { pathOf, type EventPage } from '../src/contract.ts'
import { startControl, type ControlOptions, type WatchedJob } from '../src/index.ts'
import { controlApi } from '../src/server/api.ts'
import { batches, measuring } from './measuring.ts'

interface Order {
  readonly id: number
  readonly card: string
}

/** Orders that the test hands out. */
class Orders {
  #wake: () => void = () => {}
  readonly #given: Order[] = []

  give(...orders: readonly Order[]): void {
    this.#given.push(...orders)
    this.#wake()
  }

  readonly source: Source<Order, number> = {
    kind: 'orders',
    durability: 'replayable',
    discover: async () => ({ splits: ['0'], isComplete: true }),
    open: async (_split, from = 0, { signal }) => {
      let next = from
      return {
        poll: () => {
          if (next >= this.#given.length) return { kind: 'pending', isCaughtUp: true }
          const values = this.#given.slice(next, next + 10)
          next += values.length
          return { kind: 'records', values }
        },
        ready: () =>
          new Promise((resolve) => {
            this.#wake = resolve
            if (next < this.#given.length) resolve()
            signal.addEventListener('abort', () => resolve(), { once: true })
          }),
        position: () => next,
        close: async () => {},
      }
    },
  }
}

interface Running {
  readonly url: string
  readonly orders: Orders
  readonly watched: WatchedJob
  /** What has left `per-card`, by the test's own account. */
  readonly flowed: readonly Order[]
  /** How many peeks have begun to look, and how many are over. */
  readonly peeks: { begun: number; over: number }
}

async function running(settings: Partial<ControlOptions> = {}): Promise<Running> {
  const root = await mkdtemp(path.join(tmpdir(), 'millrace-peek-'))
  const control = await startControl({ port: 0, version: '1.2.3', ...settings })
  const orders = new Orders()
  const flowed: Order[] = []
  const shop = pipeline('shop', (p) => {
    p.from('orders', orders.source)
      .map(({ id, card }) => ({ id, card }), { name: 'parse' })
      .keyBy(({ card }) => card)
      .process('per-card', {
        output: output<Order>(),
        onRecord({ value }, { emit }) {
          flowed.push(value)
          emit(value)
        },
      })
      .to('out', memory.write())
  })
  const watched = control.start({
    job: {
      ...jobOptionsOf(shop, { dataDir: `${root}/data`, checkpointEvery: '1h' }),
      platform: nodePlatform(),
      store: memoryStore(),
    },
  })
  onTestFinished(async () => {
    await watched.job.cancel()
    await control.close()
    await rm(root, { recursive: true, force: true })
  })
  await vi.waitUntil(() => watched.job.status().phase === 'running', { timeout: 60_000 })
  return { url: control.url, orders, watched, flowed, peeks: countedPeeks(watched) }
}

function countedPeeks({ job }: WatchedJob): Running['peeks'] {
  const peeks = { begun: 0, over: 0 }
  const peek = job.peek.bind(job)
  job.peek = (options) => {
    const own = peek(options)
    const take = own.take.bind(own)
    const dispose = own[Symbol.asyncDispose].bind(own)
    let hasBegun = false
    own.take = async () => {
      const taken = await take()
      if (!hasBegun) peeks.begun++
      hasBegun = true
      return taken
    }
    own[Symbol.asyncDispose] = async () => {
      await dispose()
      peeks.over++
    }
    return own
  }
  return peeks
}

function order(id: number): Order {
  return { id, card: `card-${id % 3}` }
}

const many = Array.from({ length: 30 }, (_, id) => order(id))

/** Reads a peek in the background, until its end or until it is left. */
class Reader {
  readonly records: PeekRecord[] = []
  progress: PeekProgress | PeekEnd | undefined
  readonly done: Promise<void>
  readonly #abort = new AbortController()

  constructor(url: string, operator: string, options: PeekOptions = {}) {
    this.done = this.#read(url, operator, options)
    this.done.catch(() => {})
  }

  leave(): void {
    this.#abort.abort()
  }

  get values(): readonly unknown[] {
    return this.records.map(({ value }) => value)
  }

  async #read(url: string, operator: string, options: PeekOptions): Promise<void> {
    const all = client(url).peek(operator, {
      ...options,
      signal: this.#abort.signal,
      onProgress: (progress) => {
        this.progress = progress
      },
    })
    for await (const record of all) this.records.push(record)
  }
}

function until(isSo: () => boolean): Promise<unknown> {
  return vi.waitUntil(isSo, { timeout: 120_000 })
}

describe('GET peek', () => {
  test('sends exactly the records that flow, and ends at its limit', async () => {
    const { url, orders, flowed, peeks } = await running()
    const reader = new Reader(url, 'per-card', { rate: 100, limit: 30 })
    await until(() => peeks.begun === 1)
    orders.give(...many)
    await reader.done
    expect(reader.values).toEqual(flowed)
    expect(reader.values).toEqual(many)
    expect(reader.records[4]).toMatchObject({
      operator: 'per-card',
      output: 'main',
      subtask: 0,
      key: 'card-1',
      time: null,
      headers: {},
    })
    expect(reader.progress).toEqual({ reason: 'limit', seen: 30, matched: 30, shown: 30 })
    await until(() => peeks.over === 1)
  })

  test('with a key sends its records only; a number is another key than its text', async () => {
    const { url, orders, peeks } = await running()
    const reader = new Reader(url, 'parse', { rate: 100, key: 'card-2', limit: 10 })
    const other = new Reader(url, 'parse', { rate: 100, key: 2 })
    await until(() => peeks.begun === 2)
    orders.give(...many)
    await reader.done
    expect(reader.values).toEqual(many.filter(({ card }) => card === 'card-2'))
    await until(() => other.progress?.seen === 30)
    expect(other.progress).toMatchObject({ matched: 0, shown: 0 })
    other.leave()
    await other.done
  })

  test('is over when its reader leaves', async () => {
    const { url, orders, peeks } = await running()
    const reader = new Reader(url, 'out', { rate: 100 })
    await until(() => peeks.begun === 1)
    orders.give(...many)
    await until(() => reader.records.length === 30)
    expect(peeks.over).toBe(0)
    reader.leave()
    await until(() => peeks.over === 1)
    expect(reader.records[0]!.operator).toBe('per-card')
  })

  test('is over when the job ends', async () => {
    const { url, orders, peeks, watched } = await running()
    const reader = new Reader(url, 'orders', { rate: 100 })
    await until(() => peeks.begun === 1)
    orders.give(order(1))
    await until(() => reader.records.length === 1)
    void watched.job.stop()
    await reader.done
    expect(reader.progress).toMatchObject({ reason: 'job', shown: 1 })
    await until(() => peeks.over === 1)
    const answer = await fetch(`${url}${pathOf('peek', { job: 'shop', operator: 'orders' })}`)
    expect([answer.status, await answer.json()]).toMatchObject([409, { error: { code: 'JOB_FAILED' } }])
  })

  test('ends after its time', async () => {
    const { url } = await running()
    const reader = new Reader(url, 'orders', { seconds: 1 })
    await reader.done
    expect(reader.progress).toEqual({ reason: 'time', seen: 0, matched: 0, shown: 0 })
  })

  test.each<[string, string, number, RegExp]>([
    ['per-crad', '', 404, /no operator 'per-crad'; did you mean 'per-card'\?/],
    ['parse', 'output=late', 400, /no output 'late'/],
    ['out', 'key=7&keyType=json&output=x', 200, /^$/],
    ['orders', 'key=%7B&keyType=json', 400, /is no JSON/],
    ['orders', 'rate=0', 400, /1 to 100/],
    ['orders', 'rate=101', 400, /from 0 to 100/],
    ['orders', 'limit=0', 400, /1 to 10000/],
    ['orders', 'seconds=601', 400, /from 0 to 600/],
  ])('of %s with %j answers %d', async (operator, query, status, message) => {
    const { url } = await running()
    const answer = await fetch(`${url}${pathOf('peek', { job: 'shop', operator })}?${query}&seconds=1`)
    expect(answer.status).toBe(status)
    if (status === 200) return answer.body!.cancel()
    const { error } = (await answer.json()) as { error: { message: string } }
    expect(error.message).toMatch(message)
    return undefined
  })

  test('is refused to a ninth reader, until one leaves', async () => {
    const { url, peeks } = await running()
    const readers = Array.from({ length: 8 }, () => new Reader(url, 'orders'))
    await until(() => peeks.begun === 8)
    const ninth = new Reader(url, 'orders')
    await expect(ninth.done).rejects.toMatchObject({ status: 429 })
    readers[0]!.leave()
    await until(() => peeks.over === 1)
    readers.push(new Reader(url, 'orders'))
    await until(() => peeks.begun === 9)
    for (const reader of readers) reader.leave()
  })

  test('needs the right to peek, and is in the event log with who has asked', async () => {
    const [token, viewerToken] = ['admin-token-01234567', 'viewer-token-012345']
    const { url } = await running({ token, viewerToken, operatorToken: 'operator-token-0123' })
    const address = `${url}${pathOf('peek', { job: 'shop', operator: 'orders' })}?seconds=1`
    const as = async (given: string): Promise<number> => {
      const answer = await fetch(address, { headers: { authorization: `Bearer ${given}` } })
      await answer.body!.cancel()
      return answer.status
    }
    expect(await as(viewerToken)).toBe(403)
    expect(await as('operator-token-0123')).toBe(200)
    expect((await fetch(address)).status).toBe(401)
    const log = await fetch(`${url}${pathOf('events', { job: 'shop' })}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { events } = (await log.json()) as EventPage
    const asked = events.filter((each) => each.asked !== null)
    expect(asked.map(({ kind, by, asked: what }) => [kind, by, what])).toEqual([
      ['actionFailed', 'viewer', 'peek operator=orders'],
      ['action', 'operator', 'peek operator=orders'],
    ])
  })

  test('hides the fields that the API is to hide: a planted secret is nowhere in what is sent', async () => {
    const planted = 'planted-4929'
    const { url, orders, peeks } = await running({ redact: ['card'] })
    const address = `${url}${pathOf('peek', { job: 'shop', operator: 'per-card' })}`
    const answer = await fetch(`${address}?key=${planted}&limit=1`)
    await until(() => peeks.begun === 1)
    orders.give(order(1), { id: 7, card: planted })
    const text = await answer.text()
    expect(text).toMatch('"value":{"id":7,"card":"***"}')
    expect(text).toMatch('"key":"***"')
    expect(text).not.toMatch(planted)
    const events = await (await fetch(`${url}${pathOf('events', { job: 'shop' })}`)).text()
    expect(events).not.toMatch(planted)
  })
})

test('a reader of a peek that does not read: what waits for it is bounded, and its end comes', async () => {
  // A hundred records in each hundredth of a second, for a minute.
  const source = batches(
    Array.from({ length: 6_000 }, () => 100),
    () => {},
    10,
  )
  let answer: Response | undefined
  await measuring(
    (p) => p.from('numbers', source).to('out', memory.write()),
    async ({ measured, platform }) => {
      const app = controlApi({
        token: undefined,
        operatorToken: undefined,
        viewerToken: undefined,
        peekFrom: 'operator',
        redact: [],
        hosts: [],
        version: '1.2.3',
        openApi: '',
        jobs: new Map([['measured', measured]]),
        files: undefined,
        waits: undefined,
        divided: () => undefined,
        ask: () => Promise.reject(new Error('alone')),
      })
      const path = `http://localhost${pathOf('peek', { job: 'measured', operator: 'numbers' })}`
      answer ??= await app.request(`${path}?rate=100&limit=10000&seconds=40`, {
        headers: { host: 'localhost' },
      })
      return platform.clock.monotonic() > 50_000
    },
    {},
    1_000,
  )
  expect(answer!.status).toBe(200)
  const text = await answer!.text()
  const records = text.split('event: record\n').length - 1
  expect(records).toBeGreaterThanOrEqual(100)
  expect(records).toBeLessThanOrEqual(200)
  expect(text).toMatch(/event: end\ndata: \{.*"reason":"time"\}\n\n$/)
})
