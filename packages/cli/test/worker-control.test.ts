import { startWorker, type ClusterWorker, type WorkerStatus } from '@millrace/cluster-kafka'
import { MemoryKafka } from '@millrace/cluster-kafka/testing'
import { memory } from '@millrace/connector-memory'
import { startControl } from '@millrace/control'
import type { Source } from '@millrace/core/connector'
import { pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform } from '@millrace/testkit'
import { ManualClock, systemScheduler } from '@millrace/world'
import { afterEach, expect, test } from 'vitest'
import { LogLines } from '../src/log-lines.ts'
import { waitsOf, WorkerControl } from '../src/worker-control.ts'

/** Four splits with one number each, and no end. */
const numbers = (): Source<number, number> => ({
  kind: 'numbers',
  durability: 'replayable',
  discover: async () => ({ splits: ['0', '1', '2', '3'], isComplete: true }),
  open: async (split, from = 0, { signal }) => {
    let read = from
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    return {
      poll: () =>
        read++ === 0 ? { kind: 'records', values: [Number(split)] } : { kind: 'pending', isCaughtUp: true },
      ready: () => stopped,
      position: () => Math.min(read, 1),
      close: async () => {},
    }
  },
})

interface StartedWorker {
  readonly worker: ClusterWorker
  readonly url: string
  /** What the probe said before the worker was started. */
  readonly before: Probe
}

interface Probe {
  readonly status: number
  readonly reasons: readonly string[]
}

/** Workers in this process, over a cluster in memory and with one clock, each with its control API. */
class Workers implements AsyncDisposable {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly #kafka = new MemoryKafka({ clock: this.clock })
  readonly #open: { readonly worker: ClusterWorker; readonly control: WorkerControl }[] = []

  async start(seed: number): Promise<StartedWorker> {
    const platform = { ...simPlatform({ seed }), clock: this.clock, scheduler: systemScheduler }
    const started: { worker?: ClusterWorker } = {}
    const status = (): WorkerStatus | undefined => started.worker?.status()
    const api = await startControl({ port: 0, version: '1.2.3', waits: () => waitsOf(status()) })
    const lines = new LogLines({ write: () => {} }, this.clock, false)
    const control = await WorkerControl.over(api, { platform, directory: 'data', lines, status })
    const before = await readiness(api.url)
    const worker = startWorker({
      job: { platform, store: memoryStore(), directory: 'data/leases', checkpoints: { everyMs: 100 } },
      graphOf: () =>
        pipeline('sums', (p) => {
          p.from('numbers', numbers()).to('out', memory.write())
        }).describe().graph,
      connect: (_, world) => Promise.resolve(this.#kafka.port(world, `process ${seed}`)),
      leases: 4,
      observer: (event) => control.event(event),
    })
    started.worker = worker
    this.#open.push({ worker, control })
    return { worker, url: api.url, before }
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
    for (const { control } of this.#open) await control[Symbol.asyncDispose]()
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
