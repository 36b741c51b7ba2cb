import { memory } from '@millrace/connector-memory'
import { startJob } from '@millrace/core/job'
import { pipeline, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dataDirectory, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { LoopbackProxy } from '../../../scripts/services/loopback-proxy.ts'
import { redis, type ReceiveOptions } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server
const group = 'workers'
const timeout = 300_000

function counting(input: string, options: Partial<ReceiveOptions> = {}) {
  /** What was read, also what is in no checkpoint. */
  const seen: number[] = []
  const built: Pipeline = pipeline('count', (p) => {
    p.from('in', redis.receiveJson<number>(input, { url, group, ...options }))
      .map((n) => {
        seen.push(n)
        return n
      })
      .to('out', memory.write())
  })
  return { built, seen }
}

async function add(stream: string, first: number, amount: number): Promise<void> {
  const pipelined = client.pipeline()
  for (const n of upTo(amount)) pipelined.xadd(stream, '*', 'data', String(first + n))
  await pipelined.exec()
}

/** How many entries were delivered and not acknowledged. */
async function pendingIn(stream: string): Promise<number> {
  const [count] = await client.xpending(stream, group)
  return Number(count)
}

const ordered = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)

describe.skipIf(server.missing !== undefined)('a consumer group', () => {
  test('shares the entries of a stream among its consumers, and everything is acknowledged at the end', async () => {
    const input = freshKey()
    await add(input, 0, 2_000)
    const [one, other] = [counting(input, { prefetch: 100 }), counting(input, { prefetch: 100 })]
    const jobs = await Promise.all(
      [one, other].map(async ({ built }) => startOn(built, await dataDirectory())),
    )
    const seen = (): number[] => [...one.seen, ...other.seen]
    await expect.poll(() => seen().length, { timeout }).toBe(2_000)
    for (const job of jobs) await job.stop()
    expect(ordered(seen())).toEqual(upTo(2_000))
    expect(one.seen.length).toBeGreaterThan(0)
    expect(other.seen.length).toBeGreaterThan(0)
    expect(await pendingIn(input)).toBe(0)
  })

  test('a job that was cancelled gets again what it did not acknowledge, and then what is new', async () => {
    const [input, directory] = [freshKey(), await dataDirectory()]
    await add(input, 0, 50)
    const first = counting(input)
    const job = startJob({
      graph: first.built.describe({}).graph,
      platform: nodePlatform(),
      store: memoryStore(),
      directory,
      isBounded: false,
      checkpoints: { everyMs: 1_000_000 },
      restart: { kind: 'none' },
    })
    await expect.poll(() => first.seen.length, { timeout }).toBe(50)
    await job.cancel()
    expect(await pendingIn(input)).toBe(50)
    await add(input, 50, 10)
    const second = counting(input)
    expect(await run(second.built, directory)).toEqual({ outcome: 'finished' })
    expect(second.seen).toEqual(upTo(60))
    expect(await pendingIn(input)).toBe(0)
  })

  test('takes over what a consumer that is gone has not acknowledged', async () => {
    const input = freshKey()
    await add(input, 0, 20)
    await client.xgroup('CREATE', input, group, '0')
    await client.xreadgroup('GROUP', group, 'gone', 'COUNT', 15, 'STREAMS', input, '>')
    const { built, seen } = counting(input, { claimAfter: '20ms' })
    const job = startOn(built, await dataDirectory())
    await expect.poll(() => seen.length, { timeout }).toBeGreaterThanOrEqual(20)
    await job.stop()
    expect([...new Set(ordered(seen))]).toEqual(upTo(20))
    expect(await pendingIn(input)).toBe(0)
  })

  test('an entry that was deleted while it was pending is no record', async () => {
    const [input, directory] = [freshKey(), await dataDirectory()]
    await add(input, 0, 3)
    const first = counting(input)
    const job = startOn(first.built, directory)
    await expect.poll(() => first.seen.length, { timeout }).toBe(3)
    await job.cancel()
    const pending = await client.xpending(input, group, '-', '+', 10)
    for (const [id] of pending as [string][]) await client.xdel(input, id)
    const second = counting(input)
    expect(await run(second.built, directory)).toEqual({ outcome: 'finished' })
    expect(second.seen).toEqual([])
    expect(await pendingIn(input)).toBe(0)
  })

  test('loses none of 10,000 entries when connections are cut and the server is killed twice', async () => {
    const input = freshKey()
    const proxy = new LoopbackProxy(Number(new URL(url).port))
    onTestFinished(() => proxy.close())
    const { built, seen } = counting(input, { url: `redis://127.0.0.1:${await proxy.open()}` })
    const job = startOn(built, await dataDirectory())
    for (let round = 0; round < 10; round++) {
      await add(input, round * 1_000, 1_000)
      await expect.poll(() => seen.length, { timeout, interval: 1 }).toBeGreaterThan(round * 900)
      if (round === 3 || round === 5) await server.restart()
      else proxy.cut()
    }
    await expect.poll(() => new Set(seen).size, { timeout }).toBe(10_000)
    expect(await job.stop()).toMatchObject({ outcome: 'stopped' })
    expect([...new Set(ordered(seen))]).toEqual(upTo(10_000))
    // No checkpoint was restored, so an entry comes again only if it was not handed out.
    expect(seen.length).toBe(10_000)
    expect(await pendingIn(input)).toBe(0)
  })

  test('options that make no sense are refused', () => {
    const invalid = expect.objectContaining({ code: 'OPTION_INVALID' })
    const receive = (options: object) => () => redis.receiveEntries('a', options as ReceiveOptions)
    expect(receive({})).toThrow(invalid)
    expect(receive({ group: '' })).toThrow(invalid)
    expect(receive({ group, prefetch: 0 })).toThrow(invalid)
    expect(receive({ group, from: 'yesterday' })).toThrow(invalid)
    expect(receive({ group, claim: '1s' })).toThrow(/did you mean claimAfter/)
    expect(redis.receiveEntries('a', { group }).durability).toBe('redelivering')
  })
})
