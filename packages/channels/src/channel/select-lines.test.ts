import { describe, expect, test } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, together, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { EMPTY } from './channel-end.ts'
import { ManualClock } from '@millrace/world'
import { Scope } from '../task/scope.ts'
import { after } from './select-case.ts'
import { selectForms } from '../../test/select-forms.ts'

describe.each(selectForms)('by $form', ({ select, trySelect }) => {
  // A finished select leaves nothing in the queues of its cases.

  /** Whether a task waits to receive from an unbuffered channel. If so, ends its wait. */
  function hasReceiver(channel: Channel<number>): boolean {
    return trySelect({ put: channel.sendCase(0) }) !== undefined
  }

  everySchedule('GO-052 a select is never matched with itself', async () => {
    const channel = new Channel<number>()
    const alone = select({ put: channel.sendCase(1), got: channel.receiveCase() })
    expect(await hasSettled(alone)).toBe(false)
    const other = select({ put: channel.sendCase(2), got: channel.receiveCase() })
    const [a, b] = await Promise.all([alone, other])
    expect(new Set([a.case, b.case])).toEqual(new Set(['put', 'got']))
    expect([hasReceiver(channel), channel.tryReceive()]).toEqual([false, EMPTY])
  })

  everySchedule('a close ends a select in both queues as its receive, as in Go', async () => {
    for (const _ of upTo(sized(20, 2))) {
      const channel = new Channel<number>()
      const chosen = select({ put: channel.sendCase(1), got: channel.receiveCase() })
      expect(await hasSettled(chosen)).toBe(false)
      channel.close()
      expect(await chosen).toEqual({ case: 'got', ok: false, value: undefined })
    }
  })

  everySchedule(
    'GO-052 two tasks that select to send and to receive pair with each other repeatedly',
    async () => {
      const channel = new Channel<number>()
      const task = (me: number) => async (): Promise<void> => {
        for (const _ of upTo(sized(1_000, 10))) {
          const chosen = await select({ put: channel.sendCase(me), got: channel.receiveCase() })
          if (chosen.case === 'got') expect(chosen.value).toBe(1 - me)
        }
      }
      await together(task(0), task(1))
    },
  )

  everySchedule(
    'GO-054 the winner leaves every other queue, so that a later send reaches the next waiting task',
    async () => {
      const [c, d] = [new Channel<number>(), new Channel<number>()]
      const a = select({ c1: c.receiveCase(), c2: c.receiveCase(), d: d.receiveCase() })
      const b = c.receive()
      await d.send(1)
      expect((await a).case).toBe('d')
      await c.send(2)
      expect(await b).toEqual({ ok: true, value: 2 })
    },
  )

  everySchedule('GO-055 plain, one-case and two-case operations match in all nine pairings', async () => {
    const quiet = new Channel<number>()
    const sends: ((channel: Channel<number>) => Promise<unknown>)[] = [
      (channel) => channel.send(1),
      (channel) => select({ put: channel.sendCase(1) }),
      (channel) => select({ put: channel.sendCase(1), quiet: quiet.receiveCase() }),
    ]
    const receives: ((channel: Channel<number>) => Promise<{ value: number | undefined }>)[] = [
      (channel) => channel.receive(),
      (channel) => select({ got: channel.receiveCase() }),
      (channel) => select({ got: channel.receiveCase(), quiet: quiet.receiveCase() }),
    ]
    for (const send of sends) {
      for (const receive of receives) {
        const sendsFirst = new Channel<number>()
        const sent = send(sendsFirst)
        expect((await receive(sendsFirst)).value).toBe(1)
        await sent
        const receivesFirst = new Channel<number>()
        const received = receive(receivesFirst)
        await send(receivesFirst)
        expect((await received).value).toBe(1)
      }
    }
    expect(hasReceiver(quiet)).toBe(false)
  })

  everySchedule(
    'GO-056 ten tasks, four channels, 100,000 operations each: no task is left waiting',
    async () => {
      const channels = [0, 0, 2, 3].map((capacity) => new Channel<number>(capacity))
      const rounds = sized(25_000, 4)
      await using scope = new Scope()
      for (const channel of channels) {
        scope.go(async () => {
          for (let i = 0; i < rounds; i++) await channel.send(i)
        })
        scope.go(async () => {
          for (let i = 0; i < rounds; i++) await channel.receive()
        })
      }
      const perChannel = channels.map((_, i) => i)
      scope.go(async () => {
        const left = perChannel.map(() => rounds)
        const send = (i: number) => (left[i]! > 0 ? channels[i]!.sendCase(left[i]!) : undefined)
        while (left.some((n) => n > 0)) {
          const chosen = await select({ 0: send(0), 1: send(1), 2: send(2), 3: send(3) })
          left[Number(chosen.case)]! -= 1
        }
      })
      scope.go(async () => {
        const left = perChannel.map(() => rounds)
        const receive = (i: number) => (left[i]! > 0 ? channels[i]!.receiveCase() : undefined)
        while (left.some((n) => n > 0)) {
          const chosen = await select({ 0: receive(0), 1: receive(1), 2: receive(2), 3: receive(3) })
          left[Number(chosen.case)]! -= 1
        }
      })
      await scope.wait()
      expect(channels.map((channel) => [channel.length, channel.tryReceive()])).toEqual(
        channels.map(() => [0, EMPTY]),
      )
    },
  )

  everySchedule('GO-057 100,000 selects leave no waiter in the queue of a quiet channel', async () => {
    const [busy, quiet] = [new Channel<number>(), new Channel<number>()]
    await together(
      async () => {
        for (let i = 0; i < sized(100_000, 20); i++)
          await select({ busy: busy.receiveCase(), quiet: quiet.receiveCase() })
      },
      async () => {
        for (let i = 0; i < sized(100_000, 20); i++) await busy.send(i)
      },
    )
    expect(hasReceiver(quiet)).toBe(false)
  })

  // Linear search on leaving would take 5 * 10^9 steps here, far beyond the time limit of a test.
  test('GO-058 waking a select in a shared queue takes constant time', { timeout: 20_000 }, async () => {
    const shared = new Channel<number>()
    const own = upTo(100_000).map(() => new Channel<number>())
    const selects = own.map((channel) => select({ shared: shared.receiveCase(), own: channel.receiveCase() }))
    for (const channel of own.toReversed()) channel.close()
    const ended = await Promise.all(selects)
    expect(ended.filter((selected) => selected.case !== 'own')).toEqual([])
    expect(hasReceiver(shared)).toBe(false)
  })

  everySchedule('GO-060 a timeout leaves no timer behind when another case wins', async () => {
    const clock = new ManualClock()
    const channel = new Channel<number>()
    const selected = select({ got: channel.receiveCase(), late: after(clock, 100) })
    expect(clock.pending).toBe(1)
    await channel.send(1)
    expect((await selected).case).toBe('got')
    expect(clock.pending).toBe(0)
  })

  everySchedule('a timeout that wins leaves no waiter', async () => {
    const clock = new ManualClock()
    const channel = new Channel<number>()
    const selected = select({ got: channel.receiveCase(), put: channel.sendCase(1), late: after(clock, 100) })
    await clock.advance(99)
    expect(await hasSettled(selected)).toBe(false)
    await clock.advance(1)
    expect(await selected).toEqual({ case: 'late' })
    expect([hasReceiver(channel), channel.tryReceive()]).toEqual([false, EMPTY])
  })

  everySchedule('even a timeout of zero yields to ready cases', async () => {
    const clock = new ManualClock()
    const channel = new Channel<number>(1)
    await channel.send(1)
    expect((await select({ late: after(clock, 0), got: channel.receiveCase() })).case).toBe('got')
    expect(() => after(clock, NaN)).toThrow(RangeError)
  })

  everySchedule(
    'GO-061 aborting a waiting select rejects it, leaves every queue and consumes nothing',
    async () => {
      const clock = new ManualClock()
      const [a, b] = [new Channel<number>(), new Channel<number>()]
      const controller = new AbortController()
      const { signal } = controller
      const selected = select({ a: a.receiveCase(), b: b.sendCase(1), late: after(clock, 9) }, { signal })
      controller.abort(new Error('enough'))
      await expect(selected).rejects.toThrow('enough')
      expect([hasReceiver(a), b.tryReceive(), clock.pending]).toEqual([false, EMPTY, 0])
      const ready = new Channel<number>()
      ready.close()
      await expect(select({ got: ready.receiveCase() }, { signal })).rejects.toThrow('enough')
    },
  )

  everySchedule('a signal that never aborts changes nothing', async () => {
    const { signal } = new AbortController()
    const channel = new Channel<number>()
    const selected = select({ got: channel.receiveCase() }, { signal })
    await channel.send(1, signal)
    expect(await selected).toEqual({ case: 'got', ok: true, value: 1 })
  })
})
