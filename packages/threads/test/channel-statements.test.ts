import { Channel, ChannelClosedError, CLOSED, EMPTY, Scope, select, trySelect } from '@millrace/channels'
import { seededRandom } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { jsonCodec } from '../src/codec/plain-codecs.ts'
import { sharedChannel } from '../src/channel/shared-channel.ts'
import { hasSettled, upTo } from './probe.ts'

// Statements that hold for every buffered channel, within one thread and across threads: one table, run for
// both. Here both ends of a channel between threads are in one thread, which is how each of its threads sees
// it.

/** The common interface of both kinds of channel. */
type Numbers = Pick<
  Channel<number>,
  'send' | 'trySend' | 'receive' | 'tryReceive' | 'close' | 'length' | 'capacity' | 'values'
> &
  Pick<Channel<number>, 'receiveCase' | 'sendCase' | 'receiveOnly' | 'sendOnly'> &
  AsyncIterable<number>

type Make = (capacity: number) => Numbers

const kinds: readonly (readonly [kind: string, make: Make])[] = [
  ['in one thread', (capacity) => new Channel<number>(capacity)],
  ['across threads', (capacity) => sharedChannel({ capacity, codec: jsonCodec<number>() })],
]

const CAPACITIES = [1, 2, 10]

async function filled(make: Make, values: readonly number[], capacity = values.length): Promise<Numbers> {
  const channel = make(capacity)
  for (const value of values) await channel.send(value)
  return channel
}

async function drain(channel: AsyncIterable<number>): Promise<number[]> {
  const values: number[] = []
  for await (const value of channel) values.push(value)
  return values
}

describe.each(kinds)('a channel %s', (_, make) => {
  test('GO-001 GO-002 has the capacity asked for, and counts what is buffered', async () => {
    for (const capacity of [1, 2, 3, 100, 200]) {
      const channel = make(capacity)
      for (const n of upTo(capacity)) {
        expect([channel.length, channel.capacity]).toEqual([n, capacity])
        await channel.send(n)
      }
      expect(channel.length).toBe(capacity)
    }
  })

  test.each([-1, 0.5, NaN, Infinity, 2 ** 30 + 1])('GO-004 rejects capacity %d at once', (capacity) => {
    expect(() => make(capacity)).toThrow(RangeError)
  })

  test.each(CAPACITIES)(
    'GO-008 GO-012 receives wait for a value, and only for that, capacity %d',
    async (n) => {
      const channel = make(n)
      const received = channel.receive()
      expect(await hasSettled(received)).toBe(false)
      await channel.send(1)
      expect(await received).toEqual({ ok: true, value: 1 })
      await channel.send(2)
      expect(await hasSettled(channel.receive())).toBe(true)
    },
  )

  test.each(CAPACITIES)(
    'GO-009 GO-011 a send waits only while the buffer is full, capacity %d',
    async (n) => {
      const channel = make(n)
      for (const i of upTo(n)) expect(await hasSettled(channel.send(i))).toBe(true)
      const sent = channel.send(n)
      expect(await hasSettled(sent)).toBe(false)
      expect((await channel.receive()).value).toBe(0)
      await sent
      expect(channel.length).toBe(n)
    },
  )

  test('GO-013 GO-014 a non-blocking operation that fails changes nothing', () => {
    const channel = make(1)
    expect([channel.tryReceive(), channel.tryReceive(), channel.length]).toEqual([EMPTY, EMPTY, 0])
    expect([channel.trySend(1), channel.trySend(2), channel.length]).toEqual([true, false, 1])
    expect([channel.tryReceive(), channel.tryReceive()]).toEqual([1, EMPTY])
  })

  test('GO-017 with senders waiting, a receive takes the head and the first sender the tail', async () => {
    const channel = make(2)
    const sends = upTo(5).map((n) => channel.send(n))
    expect([channel.tryReceive(), channel.length]).toEqual([0, 2])
    await sends[2]
    expect(await hasSettled(sends[3]!)).toBe(false)
    expect(upTo(4).map(() => channel.tryReceive())).toEqual([1, 2, 3, 4])
    await Promise.all(sends)
  })

  test('GO-019 tryReceive takes a buffered value even when a close comes between', async () => {
    const channel = await filled(make, [1])
    channel.close()
    expect([channel.tryReceive(), channel.tryReceive()]).toEqual([1, CLOSED])
  })

  test('GO-020 a buffer is first in, first out', async () => {
    const channel = await filled(make, upTo(50))
    expect(upTo(50).map(() => channel.tryReceive())).toEqual(upTo(50))
  })

  test('GO-021 GO-022 waiters are served in the order of arrival', async () => {
    const channel = make(1)
    const receives = upTo(10).map(() => channel.receive())
    for (const n of upTo(10)) await channel.send(n)
    expect((await Promise.all(receives)).map((received) => received.value)).toEqual(upTo(10))
    const sends = upTo(10).map((n) => channel.send(n))
    for (const n of upTo(10)) expect((await channel.receive()).value).toBe(n)
    await Promise.all(sends)
  })

  test.each(CAPACITIES)('GO-023 one producer and one consumer keep the order at capacity %d', async (n) => {
    const channel = make(n)
    await using scope = new Scope()
    scope.go(async () => {
      for (const i of upTo(100)) await channel.send(i)
      channel.close()
    })
    expect(await drain(channel)).toEqual(upTo(100))
    await scope.wait()
  })

  test.each(CAPACITIES)('GO-024 GO-025 four producers and four consumers, capacity %d', async (capacity) => {
    const channel = make(capacity)
    const counts = new Map<number, number>()
    await using scope = new Scope()
    for (const from of upTo(4)) {
      scope.go(async () => {
        for (const n of upTo(250)) await channel.send(from * 1000 + n)
      })
      scope.go(async () => {
        const last = [-1, -1, -1, -1]
        for (const _round of upTo(250)) {
          const value = (await channel.receive()).value!
          expect(value % 1000).toBeGreaterThan(last[Math.floor(value / 1000)]!)
          last[Math.floor(value / 1000)] = value % 1000
          counts.set(value, (counts.get(value) ?? 0) + 1)
        }
      })
    }
    await scope.wait()
    expect([counts.size, new Set(counts.values())]).toEqual([1000, new Set([1])])
  })

  test('GO-027 GO-028 GO-035 buffered values arrive after a close; then every receive reports closed', async () => {
    const channel = await filled(make, [1, 2, 3])
    channel.close()
    expect(await drain(channel)).toEqual([1, 2, 3])
    for (const _round of upTo(3)) {
      expect(await channel.receive()).toEqual({ ok: false, value: undefined })
      expect(channel.tryReceive()).toBe(CLOSED)
    }
    expect(await drain(channel)).toEqual([])
  })

  test('GO-029 close wakes every waiting receiver', async () => {
    const channel = make(1)
    const receives = [channel.receive(), channel.receive(), channel.values().next()]
    channel.close()
    expect(await Promise.all(receives)).toEqual([
      { ok: false, value: undefined },
      { ok: false, value: undefined },
      { done: true, value: undefined },
    ])
  })

  test('GO-030 GO-031 a send on a closed channel throws and drops its value', async () => {
    const channel = make(2)
    channel.close()
    await expect(channel.send(1)).rejects.toThrow(ChannelClosedError)
    expect(() => channel.trySend(1)).toThrow(ChannelClosedError)
    await expect(select({ put: channel.sendCase(1) })).rejects.toThrow(ChannelClosedError)
    expect(await channel.receive()).toEqual({ ok: false, value: undefined })
  })

  test('GO-032 close rejects waiting senders and delivers none of their values', async () => {
    const channel = await filled(make, [1, 2])
    const refused = upTo(3).map((n) => expect(channel.send(n)).rejects.toThrow(ChannelClosedError))
    channel.close()
    await Promise.all(refused)
    expect(await drain(channel)).toEqual([1, 2])
  })

  test('GO-033 closing twice throws', () => {
    const channel = make(1)
    channel.close()
    expect(() => channel.close()).toThrow(ChannelClosedError)
  })

  test('GO-036 leaving for await early closes nothing and loses nothing', async () => {
    const channel = await filled(make, [1, 2, 3, 4])
    for await (const n of channel) if (n === 2) break
    expect([channel.tryReceive(), channel.tryReceive(), channel.trySend(5)]).toEqual([3, 4, true])
  })

  test('GO-036 leaving an iterator while it waits ends its steps without taking a value', async () => {
    const channel = make(2)
    const values = channel.values()
    const steps = [values.next(), values.next()]
    expect(await hasSettled(steps[0]!)).toBe(false)
    await values.return!()
    expect(await Promise.all(steps)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    await channel.send(1)
    expect(channel.length).toBe(1)
    expect(await values.next()).toEqual({ done: true, value: undefined })
  })

  test('GO-037 GO-038 select sees a closed channel as receive does', async () => {
    const channel = await filled(make, [1])
    channel.close()
    const cases = { a: channel.receiveCase(), never: undefined }
    expect(await select(cases)).toEqual({ case: 'a', ok: true, value: 1 })
    expect(await select(cases)).toEqual({ case: 'a', ok: false, value: undefined })
    expect(trySelect(cases)).toEqual({ case: 'a', ok: false, value: undefined })
  })

  test('GO-040 GO-041 select performs one of the ready cases, and leaves the others', async () => {
    const [from, to] = [await filled(make, upTo(100)), make(100)]
    const random = seededRandom(7)
    const chosen = { take: 0, put: 0 }
    for (const _round of upTo(100)) {
      chosen[(await select({ take: from.receiveCase(), put: to.sendCase(1) }, { random })).case]++
    }
    expect(Math.min(chosen.take, chosen.put)).toBeGreaterThan(30)
    expect([from.length, to.length]).toEqual([100 - chosen.take, chosen.put])
  })

  test('GO-042 GO-047 trySelect without a ready case returns at once and leaves nothing behind', async () => {
    const [empty, full] = [make(1), await filled(make, [1])]
    expect(trySelect({ take: empty.receiveCase(), put: full.sendCase(2) })).toBeUndefined()
    expect([await empty.send(3), await full.receive()]).toEqual([undefined, { ok: true, value: 1 }])
    expect([empty.length, full.length]).toEqual([1, 0])
  })

  test('GO-054 when one case wins, the others leave their queues', async () => {
    const [a, b] = [make(1), make(1)]
    const first = select({ a1: a.receiveCase(), a2: a.receiveCase(), b: b.receiveCase() })
    const second = a.receive()
    await b.send(1)
    expect((await first).case).toBe('b')
    await a.send(2)
    expect(await second).toEqual({ ok: true, value: 2 })
  })

  test('a select that waits to send is served when there is space', async () => {
    const channel = await filled(make, [1])
    const put = select({ put: channel.sendCase(2) })
    expect(await hasSettled(put)).toBe(false)
    expect(await channel.receive()).toEqual({ ok: true, value: 1 })
    expect([await put, channel.tryReceive()]).toEqual([{ case: 'put' }, 2])
  })

  test('GO-061 an abort ends a wait with the reason, and consumes and delivers nothing', async () => {
    const [empty, full] = [make(1), await filled(make, [1])]
    const controller = new AbortController()
    const { signal } = controller
    const waits = [
      empty.receive(signal),
      empty.values(signal).next(),
      full.send(2, signal),
      select({ take: empty.receiveCase(), put: full.sendCase(3) }, { signal }),
    ]
    const refused = waits.map((wait) => expect(wait).rejects.toThrow('enough'))
    controller.abort(new Error('enough'))
    await Promise.all(refused)
    await expect(empty.receive(signal)).rejects.toThrow('enough')
    await expect(full.send(4, signal)).rejects.toThrow('enough')
    await empty.send(5)
    expect([empty.tryReceive(), full.tryReceive(), full.tryReceive()]).toEqual([5, 1, EMPTY])
  })

  test('GO-069 an end for one direction has the methods of that direction only', async () => {
    const channel = make(1)
    const [receiveOnly, sendOnly] = [channel.receiveOnly(), channel.sendOnly()]
    expect('send' in receiveOnly || 'close' in receiveOnly || 'receive' in sendOnly).toBe(false)
    await sendOnly.send(1)
    sendOnly.close()
    expect(await drain(receiveOnly)).toEqual([1])
  })
})
