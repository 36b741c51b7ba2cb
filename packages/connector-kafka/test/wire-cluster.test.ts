import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KafkaOptions } from '../src/options.ts'
import type { FakeBrokers, StoredBatch } from './fake-brokers.ts'
import { batches, connected, data, mark, numbers, of, settle, Taken, taking } from './wire-parts.ts'

const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 1_000 : 40
const encoder = new TextEncoder()
const decoder = new TextDecoder()

describe('a reader of partitions', () => {
  test('delivers all records once and in order, however few come at a time, and says when it has caught up', async () => {
    const { brokers, cluster } = await connected()
    brokers.batchesPerAnswer = 1
    brokers.append('orders', 0, ...batches([3, 1, 4]))
    const { taken } = await taking(cluster)
    expect([taken.values, taken.caughtUpAt]).toEqual([numbers(0, 8), [8]])
    brokers.append('orders', 0, ...batches([2], 8))
    await settle()
    expect([taken.values, taken.caughtUpAt]).toEqual([numbers(0, 10), [8, 10]])
  })

  test('begins in the middle of a batch', async () => {
    const { brokers, cluster } = await connected()
    brokers.append('orders', 0, ...batches([3, 4]))
    const { taken } = await taking(cluster, 5)
    expect(taken.values).toEqual(['5', '6'])
  })

  test('goes to the new leader of a partition, and misses and doubles nothing', async () => {
    let log: { leader: number } | undefined
    const { brokers, cluster, context } = await connected((made) => (log = made.addPartition('orders', 0)))
    const { taken } = await taking(cluster)
    for (const [round, leader] of [2, 3, 1].entries()) {
      brokers.append('orders', 0, ...batches([2], round * 4))
      await settle()
      log!.leader = leader
      brokers.append('orders', 0, ...batches([2], round * 4 + 2))
      await settle()
    }
    expect(taken.values).toEqual(numbers(0, 12))
    expect(context.warnings).toEqual([])
  })

  test('waits for a broker that is gone, says so once, and reads on when it is back', async () => {
    const { brokers, cluster, context } = await connected()
    const { taken } = await taking(cluster)
    for (const node of [1, 2, 3]) brokers.down.add(node)
    brokers.cut()
    for (let second = 0; second < 60; second++) await context.clock.advance(1_000).then(settle)
    expect(context.warnings.join('\n')).toMatch(/^down: Kafka on broker-1:9092 does not answer: .*refused$/)
    // About one look every two seconds at each of three brokers, not one after the other.
    expect(brokers.connections).toBeLessThan(150)
    brokers.append('orders', 0, ...batches([3]))
    brokers.down.clear()
    await context.clock.advance(5_000)
    await settle()
    expect(taken.values).toEqual(numbers(0, 3))
    expect(context.warnings.slice(1)).toEqual(['up'])
  })

  test('gives a connection without answers another try', async () => {
    const { brokers, cluster, context } = await connected()
    const { taken } = await taking(cluster)
    brokers.isSilent = true
    brokers.append('orders', 0, ...batches([3]))
    for (let second = 0; second < 5; second++) await context.clock.advance(1_000).then(settle)
    expect(taken.values).toEqual([])
    brokers.isSilent = false
    for (let second = 0; second < 5; second++) await context.clock.advance(1_000).then(settle)
    expect(taken.values).toEqual(numbers(0, 3))
  })

  test('asks for nothing of a paused partition, and decodes no more of it', async () => {
    const { brokers, cluster } = await connected((made) => {
      made.addPartition('orders', 0)
      made.addPartition('orders', 1)
    })
    brokers.append('orders', 0, ...batches([2, 2, 2]))
    const taken = new Taken()
    const feed = await cluster.feed(of, 0, taken)
    taken.took = () => feed.pause()
    const other = new Taken()
    await cluster.feed({ topic: 'orders', partition: 1 }, 0, other)
    await settle()
    // One batch, although the broker has sent three.
    expect(taken.values).toEqual(numbers(0, 2))
    brokers.asked.length = 0
    brokers.append('orders', 1, ...batches([2]))
    await settle()
    expect(other.values).toEqual(numbers(0, 2))
    expect(brokers.asked.join('\n')).not.toContain('orders-0')
    taken.took = undefined
    feed.resume()
    await settle()
    expect(taken.values).toEqual(numbers(0, 6))
  })

  test('delivers nothing more after it was closed', async () => {
    const { brokers, cluster } = await connected()
    const { taken, feed } = await taking(cluster)
    feed.close()
    brokers.append('orders', 0, ...batches([3]))
    await settle()
    expect(taken.values).toEqual([])
  })

  test('fails when the records it asks for are gone', async () => {
    let log: { first: number } | undefined
    const { brokers, cluster } = await connected((made) => (log = made.addPartition('orders', 0)))
    brokers.append('orders', 0, ...batches([2, 2]))
    log!.first = 2
    const { taken } = await taking(cluster, 1)
    expect(taken.error).toMatchObject({
      code: 1,
      message: expect.stringContaining('no records at this offset'),
    })
  })

  test('fails with what is wrong when a batch is damaged', async () => {
    const { brokers, cluster } = await connected()
    const [good, bad] = batches([2, 2]) as [StoredBatch, StoredBatch]
    bad.bytes[bad.bytes.length - 1]! ^= 1
    brokers.append('orders', 0, good, bad)
    const { taken } = await taking(cluster)
    expect(taken.values).toEqual(numbers(0, 2))
    expect(taken.error).toMatchObject({ message: expect.stringContaining('batch at offset 2 is damaged') })
  })

  test('fails when a topic is gone for long', async () => {
    const { cluster, context } = await connected(() => {})
    const { taken } = await taking(cluster)
    expect(taken.error).toBeUndefined()
    for (let second = 0; second < 20; second++) await context.clock.advance(1_000).then(settle)
    expect(taken.error).toMatchObject({ message: expect.stringContaining('no such partition') })
  })

  test('copies offsets to its group', async () => {
    const { brokers, cluster } = await connected()
    await cluster.commit([{ ...of, offset: 17 }])
    expect([...brokers.committed]).toEqual([['g orders-0', 17]])
  })
})

describe('EN-223 a reader of committed records', () => {
  async function committed(
    log: readonly StoredBatch[],
    aborted: readonly { producer: number; first: number; mark: number }[],
    perAnswer: number,
    more: object = {},
  ): Promise<Taken> {
    const { brokers, cluster } = await connected((made) => {
      made.addPartition('orders', 0).aborted.push(...aborted)
    }, more)
    brokers.batchesPerAnswer = perAnswer
    brokers.append('orders', 0, ...log)
    return (await taking(cluster)).taken
  }

  test.each([1, 2, 3, 10])(
    'sees nothing of a transaction that was aborted, also when it comes in several answers (%i batches in each)',
    async (perAnswer) => {
      const log = [data(0, 3, 1), data(3, 4, 1), mark(4, 1, false), data(5, 6, 1), mark(6, 1, true)]
      const taken = await committed(log, [{ producer: 1, first: 0, mark: 4 }], perAnswer)
      expect([taken.values, taken.next]).toEqual([['5'], 7])
    },
  )

  test.each([1, 2, 10])(
    'tells transactions of several producers apart (%i batches in an answer)',
    async (perAnswer) => {
      const log = [
        data(0, 1, 2),
        data(1, 2, 1),
        mark(2, 1, false),
        mark(3, 2, false),
        data(4, 5, 3),
        data(5, 6, 1),
        mark(6, 3, true),
        mark(7, 1, true),
      ]
      const aborted = [
        { producer: 1, first: 1, mark: 2 },
        { producer: 2, first: 0, mark: 3 },
      ]
      expect((await committed(log, aborted, perAnswer)).values).toEqual(['4', '5'])
    },
  )

  test('of others as well sees everything', async () => {
    const log = [data(0, 1, 1), mark(1, 1, false), data(2, 3)]
    const aborted = [{ producer: 1, first: 0, mark: 1 }]
    expect((await committed(log, aborted, 10, { readsUncommitted: true })).values).toEqual(['0', '2'])
  })

  test('stops in front of an open transaction, and has caught up there', async () => {
    const { brokers, cluster } = await connected((made) => (made.addPartition('orders', 0).lastStable = 2))
    brokers.append('orders', 0, ...batches([2]), data(2, 4, 9))
    const { taken } = await taking(cluster)
    expect([taken.values, taken.caughtUpAt]).toEqual([['0', '1'], [2]])
    expect(await cluster.range(of)).toEqual({ first: 0, end: 2 })
  })
})

describe('a connection', () => {
  const refused = (
    prepare: (brokers: FakeBrokers) => void,
    more: Partial<KafkaOptions> = {},
  ): Promise<unknown> =>
    connected(prepare, more).then(
      () => 'connected',
      (error: unknown) => error,
    )
  const invalid = (message: RegExp): object => ({
    code: 'OPTION_INVALID',
    message: expect.stringMatching(message),
  })

  test('to brokers of which none is there is refused at once, with the reason', async () => {
    expect(await refused((brokers) => brokers.down.add(1))).toMatchObject(
      invalid(/^source orders: no connection to Kafka on broker-1:9092: .*refused; check the address/),
    )
  })

  test('to something else than Kafka is refused', async () => {
    const http = encoder.encode('HTTP/1.1 400 Bad Request')
    const error = await refused((brokers) => {
      brokers.network.dial = (_host, _port, listener) => {
        queueMicrotask(() => listener.opened())
        return { write: () => queueMicrotask(() => listener.data(http)), close: () => {} }
      }
    })
    expect(error).toMatchObject(invalid(/no Kafka broker, or speaks TLS: its first bytes are 48 54 54 50/))
  })

  test('to a broker that is too old says what it speaks', async () => {
    const { cluster } = await connected((brokers) => {
      brokers.addPartition('orders', 0)
      brokers.fetchVersions = [0, 8]
    })
    const { taken } = await taking(cluster)
    expect(taken.error).toMatchObject({
      message: expect.stringMatching(/no version 11 of Fetch, but 0 to 8; brokers from Kafka 2\.3 on/),
    })
  })

  test('is refused with what the broker says of the user, and without the password', async () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'secret-word' } as const
    const error = await refused((brokers) => (brokers.prove = () => [58, new Uint8Array(0)]), { sasl })
    expect(error).toMatchObject(invalid(/^(?!.*secret-word).*authentication failed.*check the user/))
  })

  test.each([
    ['r=short,s=AAAA,i=4096', /something else/],
    ['r=NONCEmore,s=AAAA,i=1', /1 rounds/],
    ['r=NONCEmore,s=AAAA,i=999999999', /999999999 rounds/],
    ['r=NONCEmore,s=AAAA,i=4096', /does not know the password/],
    ['\u0000\uFFFF', /something else/],
  ])('is refused when a broker does not prove that it knows the password: %s', async (first, reason) => {
    const sasl = { username: 'u', password: 'secret-word' }
    const error = await refused(
      (brokers) =>
        (brokers.prove = (bytes) => {
          const [, own] = /^n,,n=u,r=(.*)$/.exec(decoder.decode(bytes)) ?? []
          return [0, encoder.encode(own === undefined ? 'v=AAAA' : first.replace('NONCE', own))]
        }),
      { sasl },
    )
    expect(error).toMatchObject(invalid(reason))
  })

  test('with a token shows what the broker has against it', async () => {
    const sasl = { mechanism: 'oauthbearer', token: () => 'a.b.c' } as const
    const error = await refused(
      (brokers) => (brokers.prove = () => [0, encoder.encode('{"status":"invalid_token"}')]),
      { sasl },
    )
    expect(error).toMatchObject(invalid(/token was refused: \{"status":"invalid_token"\}/))
  })
})

test('hostile answers end as errors of the partition or as another try, and never as wrong records', async () => {
  const change = fc.record({ at: fc.nat(10_000), to: fc.nat(255) })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('Metadata', 'Fetch', 'ListOffsets'),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat(200)),
      async (what, changes, cut) => {
        const { brokers, cluster, context } = await connected()
        brokers.append('orders', 0, ...batches([3, 2]))
        brokers.mangle = (name, bytes) => {
          if (name !== what) return bytes
          // What is behind the number of the request, but not the offsets in front of batches: nothing protects those.
          for (const { at, to } of changes) bytes[8 + (at % Math.min(bytes.length - 8, 60))] = to
          return cut === null ? bytes : bytes.slice(0, Math.max(8, bytes.length - cut))
        }
        const taken = new Taken()
        const feed = await cluster.feed(of, 0, taken)
        const asking = cluster.range(of).catch(() => {})
        for (let step = 0; step < 5; step++) await context.clock.advance(400).then(settle)
        expect(numbers(0, 5).slice(0, taken.values.length)).toEqual(taken.values)
        feed.close()
        context.stop.abort(new Error('the job stops'))
        await asking
        await cluster.close()
      },
    ),
    { numRuns: runs },
  )
})
