import { memory } from '@millrace/connector-memory'
import { pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { dataDirectory, run, upTo } from '../../../lab/servers/job-on-disk.ts'
import { redis } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server

interface Shop {
  readonly city: string
}

const never = new AbortController().signal

describe.skipIf(server.missing !== undefined)('rows of a lookup', () => {
  test('are fields of a hash, or keys with a prefix; one that is not there has no row', async () => {
    const [hash, prefix] = [freshKey(), `${freshKey()}:`]
    await client.hset(hash, { a: '{"city":"Bern"}', 7: '{"city":"Basel"}' })
    await client.set(`${prefix}a`, '{"city":"Bern"}')
    const rows = memory.write<unknown>()
    const built = pipeline('lookup', (p) => {
      p.from('in', memory.read(['a', 'b', '__proto__']))
        .lookup('field', {
          key: (shop) => shop,
          load: redis.loadFields<Shop>(hash, { url }),
          combine: (shop, row) => ({ shop, field: row?.city }),
          cache: { ttl: '1m' },
        })
        .lookup('key', {
          key: ({ shop }) => shop,
          load: redis.loadKeys<Shop>(prefix, { url }),
          combine: ({ shop, field }, row) => [shop, field, row?.city],
        })
        .to('out', rows)
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(rows.values).toEqual([
      ['a', 'Bern', 'Bern'],
      ['b', undefined, undefined],
      ['__proto__', undefined, undefined],
    ])
    expect(await redis.loadFields<Shop, number>(hash, { url })([7], never)).toEqual(
      new Map([[7, { city: 'Basel' }]]),
    )
  })

  test('that are no JSON, or do not fit the schema, fail the lookup', async () => {
    const hash = freshKey()
    await client.hset(hash, { bad: 'no JSON', other: '{}' })
    const schema = (value: unknown): Shop => {
      if (typeof (value as Partial<Shop>).city !== 'string') throw new Error('a shop has a city')
      return value as Shop
    }
    const load = redis.loadFields(hash, { url, schema })
    await expect(load(['bad'], never)).rejects.toMatchObject({ code: 'DECODE_FAILED' })
    await expect(load(['other'], never)).rejects.toMatchObject({
      message: expect.stringContaining('a shop has a city'),
    })
  })

  test('are there again when the server is, and a call in between fails', async () => {
    const hash = freshKey()
    await client.hset(hash, { a: '{"city":"Bern"}' })
    const load = redis.loadFields<Shop>(hash, { url })
    expect((await load(['a'], never)).size).toBe(1)
    await server.restart()
    const again = async (): Promise<number> => (await load(['a'], never).catch(() => new Map())).size
    await expect.poll(again, { timeout: 300_000 }).toBe(1)
  })

  test('whose server is not there fail the lookup, without the password', async () => {
    const load = redis.loadFields('shops', { url: 'redis://app:secret-word@127.0.0.1:1' })
    const failure = await load(['a'], never).catch(String)
    expect(failure).toMatch(/no answer of Redis on 127\.0\.0\.1:1: .*ECONNREFUSED/)
    expect(failure).not.toContain('secret-word')
    await expect(load(['a'], AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
  })
})

describe.skipIf(server.missing !== undefined)('a rate limit of several processes', () => {
  test('gives each call the next free time, also when several ask at once', async () => {
    const key = freshKey()
    // By the clock of the server: the key says when the bucket is full again.
    const fullInMs = async (): Promise<number> => {
      const [[seconds, micros], full] = await Promise.all([client.time(), client.get(key)])
      return (Number(full) - Number(seconds) * 1e6 - Number(micros)) / 1e3
    }
    const options = { url, calls: 5, per: '1000s' }
    const [one, other] = [redis.rateLimit(key, options), redis.rateLimit(key, options)]
    // A full bucket: no call waits.
    await Promise.all([one, one, one, other, other].map((limit) => limit.take(never)))
    expect(await fullInMs()).toBeGreaterThan(900_000)
    expect(await fullInMs()).toBeLessThanOrEqual(1_000_000)
    // The next one does, for 200 seconds.
    const stop = new AbortController()
    const waiting = other.take(stop.signal)
    await expect.poll(fullInMs, { timeout: 300_000 }).toBeGreaterThan(1_100_000)
    stop.abort(new Error('over'))
    await expect(waiting).rejects.toThrow('over')
    expect(await client.pttl(key)).toBeGreaterThan(1_000_000)
  })

  test('lets calls begin as fast as it says, and no faster', async () => {
    const key = freshKey()
    const options = { url, calls: 50, per: '500ms' }
    const [one, other] = [redis.rateLimit(key, options), redis.rateLimit(key, options)]
    const start = performance.now()
    const begun = await Promise.all(
      upTo(100).map(async (n) => {
        await (n % 2 === 0 ? one : other).take(never)
        return performance.now()
      }),
    )
    begun.sort((a, b) => a - b)
    // After the first 50, one is let in each 10 ms. A busy machine makes them late, never early.
    for (let n = 50; n < 100; n++) expect(begun[n]! - start).toBeGreaterThan((n - 49) * 10 - 5)
  })

  test('options that make no sense are refused', () => {
    expect(() => redis.rateLimit('a', { calls: 0 })).toThrow(/whole number/)
    expect(() => redis.rateLimit('a', { calls: 1, per: '0s' })).toThrow(/longer than zero/)
    expect(() => redis.rateLimit('a', { call: 1 } as never)).toThrow(/did you mean calls/)
  })
})
