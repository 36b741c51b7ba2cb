import {
  startWorker,
  type ClusterWorker,
  type WorkerOptions,
  type WorkerStatus,
} from '@millrace/cluster-kafka'
import { MemoryKafka } from '@millrace/cluster-kafka/testing'
import { memory } from '@millrace/connector-memory'
import { startControl } from '@millrace/control'
import { client, StateRequestError } from '@millrace/control/client'
import type { PartList, StateAnswer, StatePage } from '@millrace/control/contract'
import type { Source } from '@millrace/core/connector'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform } from '@millrace/testkit'
import { ManualClock, systemScheduler } from '@millrace/world'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { LogLines } from '../src/log-lines.ts'
import { waitsOf, WorkerControl } from '../src/worker-control.ts'

/** Splits `0` to `3`, whose numbers have the remainder of their name by four, below `end`, and then no end. */
const numbers = (end: number): Source<number, number> => ({
  kind: 'numbers',
  durability: 'replayable',
  discover: async () => ({ splits: ['0', '1', '2', '3'], isComplete: true }),
  open: async (split, from = Number(split), { signal }) => {
    let next = from
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    return {
      poll: () => {
        if (next >= end) return { kind: 'pending', isCaughtUp: true }
        next += 4
        return { kind: 'records', values: [next - 4] }
      },
      ready: () => stopped,
      position: () => next,
      close: async () => {},
    }
  },
})

const keys = 10
const end = 100
/** What is kept for a key in the end. */
const sumOf = (key: number): number =>
  Array.from({ length: end / keys }, (_, n) => key + n * keys).reduce((a, b) => a + b)

interface StartedWorker {
  readonly worker: ClusterWorker
  readonly url: string
  /** What the probe said before the worker was started. */
  readonly before: Probe
  readonly closeControl: () => Promise<void>
}

interface Probe {
  readonly status: number
  readonly reasons: readonly string[]
}

/** Workers in this process, over a cluster in memory and with one clock, each with its control API. */
class Workers implements AsyncDisposable {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly kafka = new MemoryKafka({ clock: this.clock })
  readonly #open: Pick<StartedWorker, 'worker' | 'closeControl'>[] = []

  async start(seed: number, more: Partial<WorkerOptions> = {}): Promise<StartedWorker> {
    const platform = { ...simPlatform({ seed }), clock: this.clock, scheduler: systemScheduler }
    const started: { worker?: ClusterWorker } = {}
    const status = (): WorkerStatus | undefined => started.worker?.status()
    const api = await startControl({ port: 0, version: '1.2.3', waits: () => waitsOf(status()) })
    const lines = new LogLines({ write: () => {} }, this.clock, false)
    const store = memoryStore()
    const control = await WorkerControl.over(api, { platform, store, directory: 'data', lines, status })
    const before = await readiness(api.url)
    const worker = startWorker({
      job: { platform, store, directory: 'data/leases', checkpoints: { everyMs: 100 } },
      graphOf: () =>
        pipeline('sums', (p) => {
          p.from('numbers', numbers(end))
            .keyBy((n) => `k${n % keys}`)
            .scan(
              'sum',
              () => 0,
              (sum, n) => sum + n,
            )
            .to('out', memory.write())
        }).describe().graph,
      connect: (_, world) => Promise.resolve(this.kafka.port(world, `process ${seed}`)),
      leases: 4,
      address: control.address,
      observer: (event) => control.event(event),
      ...more,
    })
    control.serve(worker)
    started.worker = worker
    let isClosed = false
    const closeControl = async (): Promise<void> => {
      if (!isClosed) await control[Symbol.asyncDispose]()
      isClosed = true
    }
    this.#open.push({ worker, closeControl })
    return { worker, url: api.url, before, closeControl }
  }

  /** Moves time on until a condition holds. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    const end = this.clock.monotonic() + 60_000
    while (!(await holds())) {
      const pause = this.clock.monotonic() + 100
      while (this.clock.monotonic() < pause) {
        for (let turn = 0; turn < 12; turn++) await systemScheduler.turn()
        await this.clock.advance(Math.min(this.clock.nextDelay() ?? 100, pause - this.clock.monotonic()))
      }
      if (this.clock.monotonic() > end) throw new Error('it does not happen')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.#open.map(({ worker }) => worker.stop())
    let isOver = false
    void Promise.all(stopped).then(() => (isOver = true))
    await this.until(() => Promise.resolve(isOver))
    for (const { closeControl } of this.#open) await closeControl()
  }
}

async function jobs(url: string): Promise<readonly string[]> {
  const list = (await (await fetch(`${url}/api/jobs`)).json()) as {
    readonly jobs: readonly { readonly job: string }[]
  }
  return list.jobs.map(({ job }) => job).toSorted()
}

async function readiness(url: string): Promise<Probe> {
  const response = await fetch(`${url}/readyz`)
  const { reasons } = (await response.json()) as { readonly reasons: readonly string[] }
  return { status: response.status, reasons }
}

let workers: Workers
afterEach(() => workers[Symbol.asyncDispose]())

test('the control API of a worker shows each lease as a job while it runs there, and is ready once all run', async () => {
  workers = new Workers()
  const a = await workers.start(1)
  expect(a.before).toEqual({ status: 503, reasons: ['The worker joins its group.'] })
  await workers.until(async () => (await readiness(a.url)).status === 200)
  expect(await jobs(a.url)).toEqual(['sums/0', 'sums/1', 'sums/2', 'sums/3'])
  const streams = await Promise.all(
    [0, 1, 2, 3].map((lease) => fetch(`${a.url}/api/jobs/sums%2F${lease}/stream`)),
  )
  const ended = new Set<number>()
  for (const [lease, stream] of streams.entries()) void stream.text().then(() => ended.add(lease))

  const b = await workers.start(2)
  await workers.until(async () => (await jobs(b.url)).length === 2 && (await readiness(b.url)).status === 200)
  const [first, second] = [await jobs(a.url), await jobs(b.url)]
  expect([...first, ...second].toSorted()).toEqual(['sums/0', 'sums/1', 'sums/2', 'sums/3'])
  expect((await readiness(a.url)).status).toBe(200)
  expect(Array.from(ended, (lease) => `sums/${lease}`).toSorted()).toEqual(second)

  await workers.until(async () => (await fetch(`${b.url}/api/jobs/${encodeURIComponent(second[0]!)}`)).ok)
  void a.worker.stop()
  await workers.until(async () => (await jobs(b.url)).length === 4)
  expect(await readiness(a.url)).toEqual({ status: 503, reasons: ['The worker has ended.'] })
})

test('a worker without leases is ready, because it waits for nothing', async () => {
  workers = new Workers()
  const all = await Promise.all([1, 2, 3, 4, 5].map((seed) => workers.start(seed)))
  await workers.until(async () => {
    const held = await Promise.all(all.map(async ({ url }) => (await jobs(url)).length))
    return held.toSorted((x, y) => x - y).join() === '0,1,1,1,1'
  })
  for (const { url } of all) expect(await readiness(url)).toEqual({ status: 200, reasons: [] })
})

/** What the API of a worker says of every key. */
async function sums(url: string): Promise<readonly unknown[]> {
  const sum = client(url, { patienceMs: 0 }).state<{ readonly value: number }>('sum')
  return Promise.all(Array.from({ length: keys }, async (_, key) => sum.get(`k${key}`).catch(() => 'moves')))
}

const expected = Array.from({ length: keys }, (_, key) => sumOf(key))

test('any worker answers for any key, and scans all of them, while the leases move to others', async () => {
  workers = new Workers()
  const [a, b] = [await workers.start(1), await workers.start(2)]
  const everywhere = async (urls: readonly string[]): Promise<boolean> => {
    const answers = await Promise.all(urls.map(sums))
    return answers.every((answer) => isDeepStrictEqual(answer, expected))
  }
  await workers.until(async () => (await jobs(a.url)).length === 2 && everywhere([a.url, b.url]))
  for (const { url } of [a, b]) {
    const all: [string, unknown][] = []
    for await (const { key, value } of client(url).state('sum').scan()) all.push([key, value])
    expect(new Map(all)).toEqual(new Map(expected.map((sum, key) => [`k${key}`, sum])))
    expect(all).toHaveLength(keys)
    const few: string[] = []
    for await (const { key } of client(url).state('sum').scan({ prefix: 'k1', limit: 3 })) few.push(key)
    expect(few).toEqual(['k1'])
  }
  const c = await workers.start(3)
  await workers.until(async () => (await jobs(c.url)).length === 1 && everywhere([a.url, b.url, c.url]))
  const places = (await (await fetch(`${c.url}/api/jobs/sums/parts`)).json()) as PartList
  expect(places.workers).toBe(3)
  expect(new Set(places.parts.map(({ address }) => address))).toEqual(new Set([a.url, b.url, c.url]))
  void a.worker.stop()
  void b.worker.stop()
  await workers.until(async () => (await jobs(c.url)).length === 4 && everywhere([c.url]))
})

test('while state moves the answer is 503 with Retry-After, or that of a copy with its age', async () => {
  workers = new Workers()
  const [a, b, c] = [
    await workers.start(1, { standbys: 1 }),
    await workers.start(2, { standbys: 1 }),
    await workers.start(3, { standbys: 1 }),
  ]
  await workers.until(async () => {
    const found = await Promise.all([a, b, c].map(({ url }) => sums(url)))
    return (await jobs(c.url)).length === 1 && found.every((each) => isDeepStrictEqual(each, expected))
  })
  await workers.until(async () => {
    const copied = await Promise.all([a, b, c].map(({ url }) => copies(url)))
    return new Set(copied.flat()).size === 4
  })
  workers.kafka.disconnect('process 1')
  await a.closeControl()
  const lost = await sums(b.url)
  expect(lost).toContain('moves')
  const key = lost.indexOf('moves')
  const response = await fetch(`${b.url}/api/jobs/sums/state/sum/k${key}`)
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  const refused = client(b.url, { patienceMs: 0 }).state('sum').get(`k${key}`)
  await expect(refused).rejects.toThrow(StateRequestError)
  const copy = (await (
    await fetch(`${b.url}/api/jobs/sums/state/sum/k${key}?stale=true`)
  ).json()) as StateAnswer
  expect(copy.entries.map(({ value }) => value)).toEqual([sumOf(key)])
  expect(copy.copy!.ageMs).toBe(workers.clock.now() - copy.copy!.at)
  // The session of the worker that is cut off ends, and the others take over.
  await workers.until(async () => isDeepStrictEqual(await sums(c.url), expected))
  workers.kafka.reconnect('process 1')
})

/** The parts of which a worker has a copy with all values. */
async function copies(url: string): Promise<readonly number[]> {
  const found = await Promise.all(
    [0, 1, 2, 3].map(async (part) => {
      const response = await fetch(`${url}/api/jobs/sums%2F${part}/state/sum?copy=true`)
      const { entries, copy } = (await response.json()) as Partial<StatePage>
      const isWhole = entries?.every(({ key, value }) => value === sumOf(Number(String(key).slice(1))))
      return copy !== undefined && isWhole === true ? [part] : []
    }),
  )
  return found.flat()
}
