import { describe, expect, test } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { CAPACITIES, drain, hasSettled, sendAll, settle, together, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { CLOSED, EMPTY } from './channel-end.ts'
import { Scope } from '../task/scope.ts'

describe('making a channel', () => {
  test('GO-001 a new channel has length 0 and the requested capacity', () => {
    for (const n of upTo(201)) {
      const channel = new Channel(n)
      expect([channel.length, channel.capacity]).toEqual([0, n])
    }
    expect(new Channel().capacity).toBe(0)
  })

  everySchedule('GO-002 length counts buffered values; capacity never changes', async () => {
    const channel = new Channel<number>(3)
    for (const n of upTo(3)) {
      await channel.send(n)
      expect([channel.length, channel.capacity]).toEqual([n + 1, 3])
    }
  })

  everySchedule('GO-003 an unbuffered channel has length 0 even while senders wait', async () => {
    const channel = new Channel<number>()
    const sends = [channel.send(1), channel.send(2)]
    expect([channel.length, channel.capacity]).toEqual([0, 0])
    expect(await channel.receive()).toEqual({ ok: true, value: 1 })
    expect(await channel.receive()).toEqual({ ok: true, value: 2 })
    await Promise.all(sends)
  })

  test.each([-1, 0.5, NaN, Infinity, -Infinity, 2 ** 30 + 1, 2 ** 53])(
    'GO-004 capacity %d is rejected at once',
    (capacity) => {
      expect(() => new Channel(capacity)).toThrow(RangeError)
    },
  )

  everySchedule.each([0, 1])(
    'GO-005 undefined is a value like any other at capacity %d',
    async (capacity) => {
      const channel = new Channel<undefined>(capacity)
      const sent = channel.send(undefined)
      expect(await channel.receive()).toEqual({ ok: true, value: undefined })
      await sent
      channel.close()
      expect(await channel.receive()).toEqual({ ok: false, value: undefined })
    },
  )

  everySchedule(
    'GO-007 values keep their identity, also promises, channels, functions and thenables',
    async () => {
      const thenable = { then: (): never => expect.unreachable('a value is never awaited') } // oxlint-disable-line unicorn/no-thenable
      const values = [null, {}, () => 1, new Channel(), Promise.resolve(1), thenable, NaN, EMPTY, CLOSED]
      const channel = new Channel<unknown>(values.length)
      await sendAll(channel, values)
      for (const value of values) expect((await channel.receive()).value).toBe(value)

      await sendAll(channel, values)
      channel.close()
      const iterator = channel.values()
      for (const value of values) expect((await iterator.next()).value).toBe(value)
    },
  )
})

describe('waiting operations and try operations', () => {
  everySchedule.each(CAPACITIES)(
    'GO-008 a receive from an empty open channel of capacity %d waits',
    async (capacity) => {
      const channel = new Channel(capacity)
      expect(await hasSettled(channel.receive())).toBe(false)
      expect(await hasSettled(channel.values().next())).toBe(false)
    },
  )

  everySchedule.each([1, 2, 10])(
    'GO-009 a send to a full channel of capacity %d waits for one receive',
    async (capacity) => {
      const channel = new Channel<number>(capacity)
      await sendAll(channel, upTo(capacity))
      const sent = channel.send(-1)
      expect(await hasSettled(sent)).toBe(false)
      await channel.receive()
      expect(await hasSettled(sent)).toBe(true)
    },
  )

  everySchedule('GO-010 an unbuffered send waits for a receiver, which then has the value', async () => {
    const channel = new Channel<string>()
    const sent = channel.send('x')
    expect(await hasSettled(sent)).toBe(false)
    const received = channel.receive()
    await sent
    expect(await received).toEqual({ ok: true, value: 'x' })
  })

  everySchedule('GO-011 a send into free space never waits', async () => {
    const channel = new Channel<number>(2)
    expect(await hasSettled(channel.send(1))).toBe(true)
    expect(await hasSettled(channel.send(2))).toBe(true)
    expect(await hasSettled(channel.send(3))).toBe(false)
  })

  everySchedule('GO-012 a receive of a buffered value never waits', async () => {
    const channel = new Channel<number>(1)
    await channel.send(1)
    expect(await hasSettled(channel.receive())).toBe(true)
  })

  test.each(CAPACITIES)(
    'GO-013 tryReceive on an empty channel of capacity %d changes nothing',
    (capacity) => {
      const channel = new Channel<number>(capacity)
      expect(channel.tryReceive()).toBe(EMPTY)
      expect(channel.tryReceive()).toBe(EMPTY)
      expect(channel.length).toBe(0)
      expect(channel.trySend(1)).toBe(capacity > 0)
    },
  )

  test('GO-014 trySend on a full channel does not enqueue', () => {
    const channel = new Channel<number>(1)
    expect([channel.trySend(1), channel.trySend(2), channel.length]).toEqual([true, false, 1])
    expect([channel.tryReceive(), channel.tryReceive()]).toEqual([1, EMPTY])
  })

  everySchedule('GO-015 trySend on an unbuffered channel needs a waiting receiver', async () => {
    const channel = new Channel<number>()
    expect(channel.trySend(1)).toBe(false)
    const received = channel.receive()
    expect(channel.trySend(2)).toBe(true)
    expect(channel.trySend(3)).toBe(false)
    expect(await received).toEqual({ ok: true, value: 2 })
  })

  everySchedule('GO-016 tryReceive on an unbuffered channel needs a waiting sender', async () => {
    const channel = new Channel<number>()
    expect(channel.tryReceive()).toBe(EMPTY)
    const sent = channel.send(1)
    expect([channel.tryReceive(), channel.tryReceive()]).toEqual([1, EMPTY])
    await sent
  })

  everySchedule(
    'GO-017 with senders waiting, a receive takes the head and the first sender the tail',
    async () => {
      const channel = new Channel<number>(2)
      const sends = upTo(5).map((n) => channel.send(n))
      expect(channel.tryReceive()).toBe(0)
      expect(channel.length).toBe(2)
      await sends[2]
      expect(await hasSettled(sends[3]!)).toBe(false)
      expect(upTo(4).map(() => channel.tryReceive())).toEqual([1, 2, 3, 4])
    },
  )

  everySchedule.each([0, 1])(
    'GO-018 polling with pauses loses and duplicates nothing at capacity %d',
    async (capacity) => {
      const values = [1, 'two', undefined, { three: 3 }]
      const channel = new Channel<unknown>(capacity)
      const received: unknown[] = []
      await together(
        async () => {
          for (const value of values) while (!channel.trySend(value)) await settle()
        },
        async () => {
          // A poller never waits, so one side must: unbuffered, the receiver waits.
          while (received.length < values.length) {
            const value = capacity === 0 ? (await channel.receive()).value : channel.tryReceive()
            if (value === EMPTY) await settle()
            else received.push(value)
          }
        },
      )
      expect(received).toEqual(values)
    },
  )

  everySchedule('GO-019 tryReceive takes a buffered value even when a close comes between', async () => {
    for (const closesFirst of [true, false]) {
      const channel = new Channel<number>(1)
      await channel.send(1)
      if (closesFirst) channel.close()
      expect(channel.tryReceive()).toBe(1)
    }
  })
})

describe('order', () => {
  everySchedule('GO-020 a buffer is first in, first out', async () => {
    const channel = new Channel<number>(50)
    await sendAll(channel, upTo(50))
    for (const n of upTo(50)) expect(channel.tryReceive()).toBe(n)
  })

  everySchedule('GO-021 waiting receivers are served in order', async () => {
    const channel = new Channel<number>()
    const receives = upTo(10).map(() => channel.receive())
    await sendAll(channel, upTo(10))
    expect((await Promise.all(receives)).map((r) => r.value)).toEqual(upTo(10))
  })

  everySchedule.each(CAPACITIES)('GO-022 waiting senders are served in order, capacity %d', async (n) => {
    const channel = new Channel<number>(n)
    const sends = upTo(20).map((i) => channel.send(i))
    for (const i of upTo(20)) expect((await channel.receive()).value).toBe(i)
    await Promise.all(sends)
  })

  everySchedule.each(CAPACITIES)(
    'GO-023 one producer and one consumer keep the order at capacity %d',
    async (capacity) => {
      const channel = new Channel<number>(capacity)
      const [, received] = await Promise.all([
        sendAll(channel, upTo(100)).then(() => channel.close()),
        drain(channel),
      ])
      expect(received).toEqual(upTo(100))
    },
  )

  everySchedule.each(CAPACITIES)(
    'GO-024 GO-025 four producers and four consumers, capacity %d',
    async (capacity) => {
      const channel = new Channel<{ from: number; n: number }>(capacity)
      const each = sized(1_000, 8)
      const counts = new Map<number, number>()
      await using scope = new Scope()
      for (const from of upTo(4)) {
        scope.go(async () => {
          for (const n of upTo(each)) await channel.send({ from, n })
        })
        scope.go(async () => {
          const last = [-1, -1, -1, -1]
          for (let i = 0; i < each; i++) {
            const { value } = await channel.receive()
            expect(value!.n).toBeGreaterThan(last[value!.from]!)
            last[value!.from] = value!.n
            counts.set(value!.n, (counts.get(value!.n) ?? 0) + 1)
          }
        })
      }
      await scope.wait()
      expect([counts.size, new Set(counts.values())]).toEqual([each, new Set([4])])
    },
  )

  everySchedule('GO-026 23 workers forward 271,828 items from one channel to another', async () => {
    const [inbox, outbox] = [new Channel<number>(40), new Channel<number>(40)]
    const items = sized(271_828, 60)
    let [count, sum] = [0, 0]
    await using scope = new Scope()
    scope.go(async () => {
      await using workers = new Scope()
      for (const _ of upTo(23)) {
        workers.go(async () => {
          for await (const n of inbox) await outbox.send(n)
        })
      }
      await workers.wait()
      outbox.close()
    })
    scope.go(async () => {
      for (let n = 0; n < items; n++) await inbox.send(n)
      inbox.close()
    })
    for await (const n of outbox) [count, sum] = [count + 1, sum + n]
    await scope.wait()
    expect([count, sum]).toEqual([items, (items * (items - 1)) / 2])
  })
})
