import { describe, expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { CAPACITIES, hasSettled, together, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { ChannelClosedError } from './channel-closed-error.ts'
import { EMPTY } from './channel-end.ts'
import { select } from './select.ts'

describe('sendMany', () => {
  everySchedule('values that fit into the buffer are sent at once', async () => {
    const channel = new Channel<number>(3)
    await channel.sendMany([1, 2, 3])
    expect([channel.length, channel.tryReceive(), channel.tryReceive(), channel.tryReceive()]).toEqual([
      3, 1, 2, 3,
    ])
  })

  everySchedule.each(CAPACITIES)(
    'at capacity %d it settles once the last value was received, and not before',
    async (n) => {
      const channel = new Channel<number>(n)
      const sent = channel.sendMany(upTo(n + 2))
      for (const value of upTo(2)) {
        expect(await hasSettled(sent)).toBe(false)
        expect(await channel.receive()).toEqual({ ok: true, value })
      }
      expect(await hasSettled(sent)).toBe(true)
    },
  )

  everySchedule('an empty array settles at once, also on a closed channel', async () => {
    const channel = new Channel<number>()
    await channel.sendMany([])
    channel.close()
    await channel.sendMany([])
  })

  everySchedule.each(CAPACITIES)(
    "GO-022 no other sender's value comes in between, capacity %d",
    async (capacity) => {
      const channel = new Channel<number>(capacity)
      const sends = [
        channel.sendMany(upTo(12)),
        channel.send(12),
        channel.sendMany([13, 14]),
        channel.send(15),
      ]
      for (const n of upTo(16)) expect((await channel.receive()).value).toBe(n)
      await Promise.all(sends)
    },
  )

  everySchedule('waiting receivers of every kind get their values in order', async () => {
    const channel = new Channel<number>(1)
    const one = channel.receive()
    const chosen = select({ got: channel.receiveCase() })
    const some = channel.receiveMany(2)
    const next = channel.values().next()
    const most = channel.receiveMany(10)
    await channel.sendMany(upTo(7))
    expect(await one).toEqual({ ok: true, value: 0 })
    expect(await chosen).toEqual({ case: 'got', ok: true, value: 1 })
    expect(await some).toEqual([2, 3])
    expect(await next).toEqual({ value: 4, done: false })
    expect(await most).toEqual([5, 6])
  })

  everySchedule(
    'GO-032 a close during sendMany rejects the remaining values and reports how many were sent',
    async () => {
      const channel = new Channel<number>(2)
      const progress = { sent: 0 }
      const sent = channel.sendMany(upTo(5), undefined, progress)
      expect(await channel.receive()).toEqual({ ok: true, value: 0 })
      channel.close()
      await expect(sent).rejects.toThrow(ChannelClosedError)
      expect(progress).toEqual({ sent: 3 })
      expect(await channel.receiveMany(9)).toEqual([1, 2])
      await expect(channel.sendMany([9])).rejects.toThrow(ChannelClosedError)
    },
  )

  everySchedule(
    'after an abort nothing more is delivered, and a call with the same progress continues from there',
    async () => {
      const channel = new Channel<number>()
      const controller = new AbortController()
      const progress = { sent: 0 }
      const sent = channel.sendMany(upTo(4), controller.signal, progress)
      expect(await channel.receive()).toEqual({ ok: true, value: 0 })
      controller.abort(new Error('enough'))
      await expect(sent).rejects.toThrow('enough')
      expect([progress.sent, channel.tryReceive()]).toEqual([1, EMPTY])
      await expect(channel.sendMany([9], controller.signal)).rejects.toThrow('enough')
      const rest = channel.sendMany(upTo(4), undefined, progress)
      expect(await channel.receiveMany(9)).toEqual([1, 2, 3])
      await rest
    },
  )
})

describe('receiveMany', () => {
  everySchedule('returns the available values, in order and at most `max`', async () => {
    const channel = new Channel<number>(10)
    await channel.sendMany(upTo(5))
    expect(await channel.receiveMany(3)).toEqual([0, 1, 2])
    expect(await channel.receiveMany(3)).toEqual([3, 4])
    expect(await hasSettled(channel.receiveMany(3))).toBe(false)
  })

  everySchedule('GO-017 receives from waiting senders, and lets them refill the buffer', async () => {
    const channel = new Channel<number>(2)
    const sends = upTo(6).map((n) => channel.send(n))
    expect(await channel.receiveMany(3)).toEqual([0, 1, 2])
    expect(channel.length).toBe(2)
    await sends[4]
    expect(await hasSettled(sends[5]!)).toBe(false)
    expect(await channel.receiveMany(9)).toEqual([3, 4, 5])
  })

  everySchedule(
    'GO-027 GO-028 GO-029 an empty array means closed and drained, and nothing else does',
    async () => {
      const channel = new Channel<number>(1)
      await channel.send(1)
      channel.close()
      expect(await channel.receiveMany(2)).toEqual([1])
      for (const _ of upTo(2)) expect(await channel.receiveMany(2)).toEqual([])
      const other = new Channel<number>()
      const waits = other.receiveMany(2)
      other.close()
      expect(await waits).toEqual([])
    },
  )

  everySchedule('an abort consumes nothing', async () => {
    const channel = new Channel<number>()
    const controller = new AbortController()
    const received = channel.receiveMany(2, controller.signal)
    controller.abort(new Error('enough'))
    await expect(received).rejects.toThrow('enough')
    expect(channel.trySend(1)).toBe(false)
    await expect(channel.receiveMany(2, controller.signal)).rejects.toThrow('enough')
  })

  everySchedule.each([0, -1, 1.5, NaN, Infinity])('max %d is rejected', async (max) => {
    await expect(new Channel().receiveMany(max)).rejects.toThrow(RangeError)
  })
})

everySchedule.each(CAPACITIES)(
  'GO-023 batches of changing sizes keep order and lose nothing, capacity %d',
  async (capacity) => {
    const channel = new Channel<number>(capacity)
    const received: number[] = []
    await together(
      async () => {
        for (let from = 0, size = 0; from < 1_000; from += size++) {
          await channel.sendOnly().sendMany(upTo(size).map((n) => from + n))
        }
        channel.close()
      },
      async () => {
        const end = channel.receiveOnly()
        for (let max = 1; ; max++) {
          const values = await end.receiveMany(max)
          if (values.length === 0) return
          received.push(...values)
        }
      },
    )
    expect(received).toEqual(upTo(received.length))
    expect(received.length).toBeGreaterThanOrEqual(1_000)
  },
)
