import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { CAPACITIES, drain, sendAll, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { ChannelClosedError } from './channel-closed-error.ts'
import { CLOSED, EMPTY } from './channel-end.ts'

describe('closing', () => {
  everySchedule(
    'GO-027 GO-028 buffered values arrive in order after a close; then every receive reports closed',
    async () => {
      const channel = new Channel<number>(3)
      await sendAll(channel, [1, 2, 3])
      channel.close()
      for (const n of [1, 2, 3]) expect(await channel.receive()).toEqual({ ok: true, value: n })
      for (const _ of upTo(5)) {
        expect(await channel.receive()).toEqual({ ok: false, value: undefined })
        expect(channel.tryReceive()).toBe(CLOSED)
        expect(await channel.values().next()).toEqual({ done: true, value: undefined })
      }
    },
  )

  everySchedule('GO-029 close wakes every waiting receiver', async () => {
    const channel = new Channel<number>()
    const receives = [channel.receive(), channel.receive()]
    const next = channel.values().next()
    channel.close()
    expect(await Promise.all(receives)).toEqual(receives.map(() => ({ ok: false, value: undefined })))
    expect(await next).toEqual({ done: true, value: undefined })
  })

  everySchedule.each(CAPACITIES)(
    'GO-030 GO-031 a send on a closed channel throws and drops its value, capacity %d',
    async (n) => {
      const channel = new Channel<number>(n)
      channel.close()
      await expect(channel.send(1)).rejects.toThrow(ChannelClosedError)
      expect(() => channel.trySend(1)).toThrow(ChannelClosedError)
      expect(await channel.receive()).toEqual({ ok: false, value: undefined })
    },
  )

  everySchedule.each([0, 2])(
    'GO-032 close refuses waiting senders and delivers none of their values, capacity %d',
    async (n) => {
      const channel = new Channel<number>(n)
      await sendAll(channel, upTo(n))
      const sends = [channel.send(-1), channel.send(-2)]
      channel.close()
      await Promise.all(sends.map((sent) => expect(sent).rejects.toMatchObject({ code: 'CHANNEL_CLOSED' })))
      expect(await drain(channel)).toEqual(upTo(n))
    },
  )

  test('GO-033 closing twice throws', () => {
    const channel = new Channel()
    channel.close()
    expect(() => channel.close()).toThrow(ChannelClosedError)
  })

  everySchedule('GO-035 for await ends after the drain of a closed channel', async () => {
    const channel = new Channel<number>(2)
    await sendAll(channel, [1, 2])
    channel.close()
    expect(await drain(channel)).toEqual([1, 2])
    expect(await drain(channel)).toEqual([])
  })

  everySchedule('GO-036 leaving for await early closes nothing and loses nothing', async () => {
    const channel = new Channel<number>(1)
    const sent = sendAll(channel, [1, 2, 3, 4])
    for await (const n of channel) if (n === 2) break
    await expect(
      (async () => {
        for await (const n of channel) throw new Error(`left at ${n}`)
      })(),
    ).rejects.toThrow('left at 3')
    expect(await channel.receive()).toEqual({ ok: true, value: 4 })
    await sent
    expect(channel.trySend(5)).toBe(true)
  })

  everySchedule('GO-036 leaving an iterator while its steps wait ends them all', async () => {
    const channel = new Channel<number>()
    const values = channel.values()
    const served = values.next()
    expect(channel.trySend(0)).toBe(true)
    const steps = [values.next(), values.next(), values.next()]
    expect(channel.trySend(1)).toBe(true)
    await values.return!()
    const results = await Promise.all([served, ...steps])
    expect(results.map(({ value }) => value)).toEqual([0, 1, undefined, undefined])
    expect(channel.trySend(2)).toBe(false)
  })

  everySchedule('GO-036 an iterator after it was left receives nothing more', async () => {
    const channel = new Channel<number>(1)
    await channel.send(1)
    const iterator = channel.values()
    await iterator.return!()
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    expect(channel.length).toBe(1)
  })

  everySchedule(
    'GO-038 a closed channel with one value delivers it in each form, then reports closed',
    async () => {
      const forms: ((channel: Channel<number>) => unknown)[] = [
        async (channel) => (await channel.receive()).value,
        (channel) => channel.tryReceive(),
        async (channel) => (await channel.values().next()).value,
      ]
      for (const form of forms) {
        const channel = new Channel<number>(1)
        await channel.send(7)
        channel.close()
        expect(await form(channel)).toBe(7)
        expect(await channel.receive()).toEqual({ ok: false, value: undefined })
        expect(channel.tryReceive()).toBe(CLOSED)
      }
    },
  )
})

describe('cancelling', () => {
  const reason = new Error('enough')

  everySchedule('an aborted signal rejects before anything happens', async () => {
    const channel = new Channel<number>(2)
    await channel.send(1)
    const signal = AbortSignal.abort(reason)
    await expect(channel.receive(signal)).rejects.toBe(reason)
    await expect(channel.send(2, signal)).rejects.toBe(reason)
    await expect(channel.values(signal).next()).rejects.toBe(reason)
    expect(channel.length).toBe(1)
  })

  everySchedule('an aborted receive leaves the queue and consumes nothing', async () => {
    const channel = new Channel<number>()
    const controller = new AbortController()
    const waits = [channel.receive(controller.signal), channel.values(controller.signal).next()]
    const next = channel.receive()
    controller.abort(reason)
    await Promise.all(waits.map((wait) => expect(wait).rejects.toBe(reason)))
    expect(channel.trySend(1)).toBe(true)
    expect(await next).toEqual({ ok: true, value: 1 })
  })

  everySchedule('an aborted send leaves the queue and delivers nothing', async () => {
    const channel = new Channel<number>()
    const controller = new AbortController()
    const sends = [channel.send(1), channel.send(2, controller.signal), channel.send(3)]
    controller.abort(reason)
    await expect(sends[1]).rejects.toBe(reason)
    expect([channel.tryReceive(), channel.tryReceive(), channel.tryReceive()]).toEqual([1, 3, EMPTY])
  })

  everySchedule('an abort after the value was passed changes nothing', async () => {
    const channel = new Channel<number>()
    const controller = new AbortController()
    const received = channel.receive(controller.signal)
    channel.trySend(1)
    controller.abort(reason)
    expect(await received).toEqual({ ok: true, value: 1 })
  })
})
