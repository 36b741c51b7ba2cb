import { memory } from '@millrace/connector-memory'
import { sleep } from '@millrace/world'
import { skip, type LookupSpec, type PipelineBuilder } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

interface Order {
  readonly id: number
  readonly customer: string | undefined
}

type Spec = LookupSpec<Order, string, string, string>

interface Looked extends SimulatedLife {
  /** The keys of each call of `load`. */
  readonly loads: readonly (readonly string[])[]
  readonly values: readonly string[]
}

/** Looks up the name of the customer of each order: the key in capital letters, none for keys with an `x`. */
async function lookingUp(
  orders: readonly Order[],
  spec: Partial<Spec> = {},
  {
    platform = simPlatform({ seed: 1 }),
    load = async () => {},
    perMs = 1_000,
    sink = memory.write<string>(),
    ...life
  }: LifeOptions & {
    readonly load?: (keys: readonly string[], platform: SimPlatform) => Promise<void>
    readonly perMs?: number
    readonly sink?: ReturnType<typeof memory.write<string>>
  } = {},
): Promise<Looked> {
  const loads: (readonly string[])[] = []
  const build = (p: PipelineBuilder): void =>
    p
      .from('orders', pacedSource({ all: orders }, perMs))
      .lookup('customer', {
        key: (order) => order.customer,
        load: async (keys) => {
          loads.push([...keys])
          await load(keys, platform)
          return new Map(keys.filter((key) => !key.includes('x')).map((key) => [key, key.toUpperCase()]))
        },
        combine: (order, name) => `${order.id} ${name ?? '-'}`,
        ...spec,
      })
      .to('out', sink)
  const lived = await live(build, { platform, ...life })
  return { ...lived, loads, values: sink.values }
}

const ordersOf = (...customers: readonly (string | undefined)[]): readonly Order[] =>
  customers.map((customer, id) => ({ id, customer }))

describe('lookup', () => {
  test('EN-133 combines each record with its row, in input order, and loads each key of a batch once', async () => {
    const { loads, values } = await lookingUp(ordersOf('a', 'b', 'a', 'x', undefined, 'b'))
    expect(values).toEqual(['0 A', '1 B', '2 A', '3 -', '4 -', '5 B'])
    expect(loads).toEqual([['a', 'b', 'x']])
  })

  test('EN-133 a batch has at most batchSize keys, and calls run at once', async () => {
    const { loads, values } = await lookingUp(ordersOf('a', 'b', 'c', 'd', 'e'), { batchSize: 2 })
    expect(loads).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect(values).toEqual(['0 A', '1 B', '2 C', '3 D', '4 E'])
  })

  test('EN-133 order none: a row that is there is not held back by one that is loaded', async () => {
    const slowly = async (keys: readonly string[], { clock }: SimPlatform): Promise<void> => {
      await sleep(clock, keys.includes('a') ? 50 : 1)
    }
    const { values } = await lookingUp(ordersOf('a', 'b'), { order: 'none', batchSize: 1 }, { load: slowly })
    expect(values).toEqual(['1 B', '0 A'])
  })

  // One record a millisecond.
  const slow = { perMs: 1 }

  test('without a cache a key is loaded again for each record that comes later', async () => {
    const { loads } = await lookingUp(ordersOf('a', 'a', 'a'), {}, slow)
    expect(loads).toEqual([['a'], ['a'], ['a']])
  })

  test('a record that asks for a key that is being loaded waits for that call', async () => {
    const load = async (_: readonly string[], { clock }: SimPlatform): Promise<void> => {
      await sleep(clock, 10)
    }
    const { loads, values } = await lookingUp(ordersOf('a', 'a', 'a'), {}, { ...slow, load })
    expect(loads).toEqual([['a']])
    expect(values).toEqual(['0 A', '1 A', '2 A'])
  })

  test('EN-133 the cache keeps a row, and that there is none, for its ttl', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 'a' : 'x'))
    const { loads, values } = await lookingUp(ordersOf(...keys), { cache: { ttl: 6 } }, slow)
    expect(values).toEqual(keys.map((key, id) => `${id} ${key === 'a' ? 'A' : '-'}`))
    expect(loads).toEqual([['a'], ['x'], ['a'], ['x']])
  })

  test('a full cache forgets the row that was not used for the longest time', async () => {
    const { loads } = await lookingUp(
      ordersOf('a', 'b', 'a', 'c', 'a', 'b'),
      { cache: { ttl: '1h', maxEntries: 2 } },
      slow,
    )
    expect(loads).toEqual([['a'], ['b'], ['c'], ['b']])
  })

  test('a restarted job has an empty cache', async () => {
    const sink = memory.write<string>()
    const spec = { cache: { ttl: '1h' } } as const
    const first = await lookingUp(ordersOf('a'), spec, { sink })
    const again = await lookingUp(ordersOf('a', 'a'), spec, { sink, platform: nextLife(first.platform) })
    expect(again.loads).toEqual([['a']])
  })

  test('a load that fails is made again for its records, and what combine throws is not', async () => {
    let failures = 2
    const load = async () => {
      if (failures-- > 0) throw new Error('the database is down')
    }
    const combine = (order: Order, name: string | undefined): string => {
      if (order.id === 1) throw new Error('order 1 is odd')
      return `${order.id} ${name}`
    }
    const { loads, values, result } = await lookingUp(
      ordersOf('a', 'b', 'a'),
      { retry: { attempts: 3 }, combine, onError: skip() },
      { load },
    )
    expect(result?.outcome).toBe('finished')
    expect(values).toEqual(['0 A', '2 A'])
    // Each record pauses on its own after a failure.
    expect(loads.length).toBeLessThanOrEqual(1 + 3 + 3)
  })

  test('a load that returns no Map fails the job, and the message says so', async () => {
    const { result } = await lookingUp(ordersOf('a'), { load: async () => ['A'] as never })
    expect(result).toMatchObject({ outcome: 'failed' })
    expect(String((result as { error: Error }).error)).toContain(
      "load of lookup 'customer' returned object; return a Map from key to row",
    )
  })

  test.each([
    [{ cache: { ttl: '0s' } }, "cache.ttl of 'customer'"],
    [
      { cache: { ttl: '1s', maxEntries: 0 } },
      "cache.maxEntries of 'customer' is 0; give a whole number from 1",
    ],
    [{ batchSize: 1.5 }, "batchSize of 'customer' is 1.5; give a whole number from 1"],
    [{ cache: { tttl: '1s' } }, 'tttl'],
    [{ load: undefined }, "load of lookup 'customer' needs a function"],
  ] as const)('%j is refused when the pipeline is built', async (spec, message) => {
    await expect(lookingUp([], spec as Partial<Spec>)).rejects.toThrow(message)
  })

  test('EN-133 any order, cache and batch: every record has the row of its key, also after a stop', async () => {
    const shape = fc.record({
      keys: fc.array(fc.constantFrom('a', 'b', 'cx', 'd', undefined), { maxLength: 30 }),
      batchSize: fc.integer({ min: 1, max: 4 }),
      maxEntries: fc.integer({ min: 1, max: 3 }),
      concurrency: fc.integer({ min: 1, max: 8 }),
      stopAfter: fc.integer({ min: 1, max: 20 }),
      latency: fc.integer({ min: 0, max: 9 }),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ keys, stopAfter, latency, maxEntries, ...options }) => {
        const orders = ordersOf(...keys)
        const sink = memory.write<string>()
        const load = async (asked: readonly string[], { clock }: SimPlatform) => {
          expect(asked.length).toBeLessThanOrEqual(options.batchSize)
          expect(new Set(asked).size).toBe(asked.length)
          await sleep(clock, latency)
        }
        const spec = { ...options, cache: { ttl: 5, maxEntries } }
        const begun = await lookingUp(orders, spec, {
          ...slow,
          load,
          sink,
          checkpoints: { everyMs: stopAfter },
          onEvent: (event, job) => {
            if (event.kind === 'checkpointCompleted') void job.stop()
          },
        })
        await lookingUp(orders, spec, { ...slow, load, sink, platform: nextLife(begun.platform) })
        const rows = { a: 'A', b: 'B', cx: '-', d: 'D' }
        expect(sink.values).toEqual(keys.map((key, id) => `${id} ${key === undefined ? '-' : rows[key]}`))
      }),
      { numRuns: process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 1_000 : 40 },
    )
  })
})
