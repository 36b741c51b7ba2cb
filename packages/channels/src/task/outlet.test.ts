import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, leavesNoListener, settle } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { CLOSED, EMPTY } from '../channel/channel-end.ts'
import { select, trySelect } from '../channel/select.ts'
import { fromIterable } from '../convert/iterable.ts'
import { batch } from '../pattern/pace.ts'
import { stage } from '../pattern/stage.ts'
import { ManualClock } from '@millrace/world'
import { feed, Outlet } from './outlet.ts'
import { Scope } from './scope.ts'

const broken = new Error('broken')

describe('the outlet of a running scope', () => {
  everySchedule('receives, tries, selects and iterates as its channel does', async () => {
    const channel = new Channel<number>(4)
    const outlet = new Outlet(channel, new Scope())
    for (const n of [1, 2, 3, 4]) channel.trySend(n)
    channel.close()
    expect([outlet.length, outlet.capacity]).toEqual([4, 4])
    expect(await outlet.receive()).toEqual({ ok: true, value: 1 })
    expect(outlet.tryReceive()).toBe(2)
    expect(await select({ next: outlet.receiveCase() })).toEqual({ case: 'next', ok: true, value: 3 })
    const rest: number[] = []
    for await (const n of outlet) rest.push(n)
    expect(rest).toEqual([4])
    expect(outlet.tryReceive()).toBe(CLOSED)
    expect(await outlet.receive()).toEqual({ ok: false, value: undefined })
  })

  everySchedule('supports receiveMany like its channel, also with a signal of the reader', async () => {
    const channel = new Channel<number>(9)
    const outlet = new Outlet(channel, new Scope())
    const reader = new AbortController()
    await channel.sendMany([1, 2, 3, 4, 5, 6])
    channel.close()
    expect(await outlet.receiveMany(2)).toEqual([1, 2])
    expect(await outlet.receiveMany(2, reader.signal)).toEqual([3, 4])
    expect(await outlet.receiveMany(1, reader.signal)).toEqual([5])
    expect(await outlet.receiveMany(9, reader.signal)).toEqual([6])
    expect(await outlet.receiveMany(9, reader.signal)).toEqual([])
    await expect(outlet.receiveMany(0, reader.signal)).rejects.toThrow(RangeError)
  })

  everySchedule(
    'a cancelled scope rejects readers that wait in receiveMany, with or without a signal of their own',
    async () => {
      const scope = new Scope()
      const outlet = new Outlet(new Channel<number>(), scope)
      const waits = [outlet.receiveMany(2), outlet.receiveMany(2, new AbortController().signal)]
      scope.cancel(broken)
      await Promise.all(waits.map((wait) => expect(wait).rejects.toBe(broken)))
      await expect(outlet.receiveMany(2, new AbortController().signal)).rejects.toBe(broken)
    },
  )

  everySchedule('waits also with a signal of the reader, whose abort consumes nothing', async () => {
    const [channel, reader] = [new Channel<number>(), new AbortController()]
    const outlet = new Outlet(channel, new Scope())
    const received = outlet.receive(reader.signal)
    expect(await hasSettled(received)).toBe(false)
    reader.abort(broken)
    await expect(received).rejects.toBe(broken)
    await expect(outlet.receive(reader.signal)).rejects.toBe(broken)
    await expect(outlet.receiveMany(2, reader.signal)).rejects.toBe(broken)
    await expect(outlet.values(reader.signal).next()).rejects.toBe(broken)
    expect(channel.trySend(1)).toBe(false)
  })

  everySchedule('iterates with a signal of the reader, and the loop can be left early', async () => {
    const channel = new Channel<number>(3)
    const outlet = new Outlet(channel, new Scope())
    for (const n of [1, 2, 3]) channel.trySend(n)
    channel.close()
    const reader = new AbortController()
    for await (const n of outlet.values(reader.signal)) if (n === 1) break
    const walk = outlet.values(reader.signal)
    expect(await walk.next()).toEqual({ done: false, value: 2 })
    expect(await walk.return?.()).toEqual({ done: true, value: undefined })
    expect(await walk.next()).toEqual({ done: true, value: undefined })
    expect(await outlet.receive(reader.signal)).toEqual({ ok: true, value: 3 })
    expect(await outlet.values(reader.signal).next()).toEqual({ done: true, value: undefined })
  })
})

describe('the outlet of a scope that was cancelled', () => {
  everySchedule(
    'rejects every waiting reader, in each form, and leaves no waiter and no listener',
    async () => {
      const [scope, reader] = [new Scope(), new AbortController()]
      const channel = new Channel<number>()
      const outlet = new Outlet(channel, scope)
      const waiting = [
        outlet.receive(),
        outlet.receive(reader.signal),
        outlet.receive(scope.signal),
        outlet.values().next(),
        outlet.values(reader.signal).next(),
        select({ next: outlet.receiveCase() }),
      ]
      await settle()
      scope.cancel(broken)
      await Promise.all(waiting.map((wait) => expect(wait).rejects.toBe(broken)))
      expect(channel.trySend(1)).toBe(false)
      for (const signal of [scope.signal, reader.signal]) leavesNoListener(signal)
    },
  )

  everySchedule('rejects later readers, in each form, though values are left', async () => {
    const [scope, reader] = [new Scope(), new AbortController()]
    const channel = new Channel<number>(1)
    const outlet = new Outlet(channel, scope)
    channel.trySend(1)
    scope.cancel(broken)
    await expect(outlet.receive()).rejects.toBe(broken)
    await expect(outlet.receive(reader.signal)).rejects.toBe(broken)
    await expect(outlet[Symbol.asyncIterator]().next()).rejects.toBe(broken)
    expect(() => outlet.tryReceive()).toThrow(broken)
    expect(() => trySelect({ next: outlet.receiveCase() })).toThrow(broken)
    expect(channel.length).toBe(1)
  })

  everySchedule('leaves no waiter behind when another case wins', async () => {
    const [scope, other] = [new Scope(), new Channel<number>()]
    const outlet = new Outlet(new Channel<number>(), scope)
    const chosen = select({ next: outlet.receiveCase(), other: other.receiveCase() })
    await other.send(1)
    expect(await chosen).toMatchObject({ case: 'other', value: 1 })
    expect(getEventListeners(scope.signal, 'abort')).toEqual([])
  })
})

describe('feeding', () => {
  everySchedule('the channel closes when the last feeder has returned', async () => {
    await using scope = new Scope()
    const gates = [new Channel<null>(), new Channel<null>()]
    const outlet = feed<number>(
      scope,
      gates.map((gate, index) => async (out, signal) => {
        await gate.receive(signal)
        await out.send(index, signal)
      }),
      2,
    )
    gates[1]!.close()
    expect(await outlet.receive()).toEqual({ ok: true, value: 1 })
    await settle()
    expect(outlet.tryReceive()).toBe(EMPTY)
    gates[0]!.close()
    expect(await outlet.receive()).toEqual({ ok: true, value: 0 })
    expect(await outlet.receive()).toEqual({ ok: false, value: undefined })
  })

  test('a scope that was cancelled feeds nothing', () => {
    const scope = new Scope()
    scope.cancel(broken)
    expect(() => feed(scope, [async () => undefined])).toThrow(broken)
  })
})

describe('a failure that an outlet has handed to a reader', () => {
  const second = new Error('second')

  /** Fails once its scope is cancelled. */
  async function failSecond(signal: AbortSignal): Promise<void> {
    await new Channel().receive(signal).catch(() => Promise.reject(second))
  }

  async function* twoThenBroken(): AsyncGenerator<number> {
    yield 1
    yield 2
    throw broken
  }

  everySchedule('is thrown by the block, and not thrown again when the block is left', async () => {
    const seen: number[] = []
    await expect(
      (async () => {
        await using scope = new Scope()
        for await (const n of fromIterable(scope, twoThenBroken())) seen.push(n)
      })(),
    ).rejects.toBe(broken)
    expect(seen).toEqual([1, 2])
  })

  everySchedule('reaches also a reader that was busy when the scope failed', async () => {
    await expect(
      (async () => {
        await using scope = new Scope()
        for await (const _ of stage(scope, fromIterable(scope, twoThenBroken()), (values) => values))
          await settle()
      })(),
    ).rejects.toBe(broken)
  })

  const readings: readonly ((outlet: Outlet<number>, signal: AbortSignal) => Promise<unknown>)[] = [
    (outlet) => outlet.receive(),
    (outlet, signal) => outlet.receive(signal),
    (outlet) => outlet.receiveMany(2),
    (outlet, signal) => outlet.receiveMany(2, signal),
    (outlet) => outlet.values().next(),
    (outlet, signal) => outlet.values(signal).next(),
    (outlet) => select({ next: outlet.receiveCase() }),
  ]

  everySchedule.each(['before', 'after'])('reaches readers that begin %s it, in each form', async (when) => {
    for (const read of readings) {
      await using scope = new Scope()
      const outlet = new Outlet(new Channel<number>(), scope)
      const { signal } = new AbortController()
      const seen = (): Promise<void> => expect(read(outlet, signal)).rejects.toBe(broken)
      const early = when === 'before' ? seen() : undefined
      scope.go(() => Promise.reject(broken))
      await settle()
      await (early ?? seen())
    }
  })

  everySchedule('reaches a reader that only uses tryReceive', async () => {
    for (const form of ['tryReceive', 'trySelect'] as const) {
      await using scope = new Scope()
      const outlet = new Outlet(new Channel<number>(), scope)
      scope.go(() => Promise.reject(broken))
      await settle()
      const read = {
        tryReceive: () => outlet.tryReceive(),
        trySelect: () => trySelect({ next: outlet.receiveCase() }),
      }
      expect(read[form]).toThrow(broken)
    }
  })

  everySchedule('is still thrown by wait', async () => {
    await using scope = new Scope()
    const outlet = new Outlet(new Channel<number>(), scope)
    scope.go(() => Promise.reject(broken))
    await settle()
    await expect(outlet.receive()).rejects.toBe(broken)
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('does not hide other failures that no reader has received', async () => {
    const scope = new Scope()
    const outlet = new Outlet(new Channel<number>(), scope)
    scope.go(failSecond)
    scope.go(() => Promise.reject(broken))
    await expect(outlet.receive()).rejects.toBe(broken)
    await expect(scope[Symbol.asyncDispose]()).rejects.toBe(second)
  })

  everySchedule('counts as not received when only tasks of the scope wait for its outlets', async () => {
    const scope = new Scope()
    const copied = stage(scope, fromIterable(scope, twoThenBroken()), (values) => values)
    const batches = batch(scope, copied, { size: 10, withinMs: 1_000, clock: new ManualClock() })
    for (let turn = 0; turn < 5; turn++) await settle()
    expect(scope.errors).toEqual([broken])
    expect(batches.length).toBe(0)
    await expect(scope[Symbol.asyncDispose]()).rejects.toBe(broken)
  })

  everySchedule('is not the reason of an earlier cancel', async () => {
    const scope = new Scope()
    const outlet = new Outlet(new Channel<number>(), scope)
    scope.go(failSecond)
    scope.cancel(broken)
    await expect(outlet.receive()).rejects.toBe(broken)
    await expect(scope[Symbol.asyncDispose]()).rejects.toBe(second)
  })
})
