import { describe, expect, expectTypeOf, test } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, together, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { ChannelClosedError } from './channel-closed-error.ts'
import { EMPTY } from './channel-end.ts'
import { ManualClock, seededRandom } from '@millrace/world'
import { Scope } from '../task/scope.ts'
import { after } from './select-case.ts'
import { selectForms } from '../../test/select-forms.ts'

describe.each(selectForms)('by $form', ({ select, trySelect }) => {
  function closed<T>(capacity = 0): Channel<T> {
    const channel = new Channel<T>(capacity)
    channel.close()
    return channel
  }

  /** Whether a task waits to receive from an unbuffered channel. The value is lost otherwise. */
  function hasReceiver(channel: Channel<number>): boolean {
    return trySelect({ put: channel.sendCase(0) }) !== undefined
  }

  describe('the result of a select', () => {
    everySchedule('is a union, distinguished by the name of the case', async () => {
      const [words, numbers] = [new Channel<string>(1), new Channel<number>(1)]
      await words.send('x')
      numbers.trySend(1)
      const chosen = await select({
        word: words.receiveCase(),
        put: numbers.sendCase(2),
        late: after(new ManualClock(), 5),
        off: undefined,
      })
      expect(chosen).toEqual({ case: 'word', ok: true, value: 'x' })
      expectTypeOf(chosen.case).toEqualTypeOf<'word' | 'put' | 'late'>()
      if (chosen.case === 'word') {
        expectTypeOf(chosen.value).toEqualTypeOf<string | undefined>()
        if (chosen.ok) expectTypeOf(chosen.value).toEqualTypeOf<string>()
      }
      // @ts-expect-error neither a send nor a timeout has a value to report
      else expect(chosen.value).toBe(undefined)
    })

    everySchedule('a select with ready cases performs one', async () => {
      const channel = new Channel<number>(1)
      expect(await select({ put: channel.sendCase(1) })).toEqual({ case: 'put' })
      expect(await select({ got: channel.receiveCase() })).toEqual({ case: 'got', ok: true, value: 1 })
    })

    everySchedule('a waiting select performs the first case to become ready', async () => {
      const [inbox, outbox] = [new Channel<number>(), new Channel<number>()]
      const first = select({ got: inbox.receiveCase(), put: outbox.sendCase(7) })
      expect(await outbox.receive()).toEqual({ ok: true, value: 7 })
      expect(await first).toEqual({ case: 'put' })
      const second = select({ got: inbox.receiveCase(), put: outbox.sendCase(8) })
      await inbox.send(1)
      expect(await second).toEqual({ case: 'got', ok: true, value: 1 })
      expect(outbox.tryReceive()).toBe(EMPTY)
    })

    everySchedule('a case may be selected repeatedly', async () => {
      const channel = new Channel<number>(1)
      const cases = { put: channel.sendCase(5), got: channel.receiveCase() }
      const names: string[] = []
      for (const _ of upTo(4)) names.push((await select(cases)).case)
      expect(names).toEqual(['put', 'got', 'put', 'got'])
    })
  })

  describe('choosing', () => {
    test('GO-039 each of two ready cases wins half of 10,000 rounds', () => {
      const random = seededRandom(39)
      const [a, b, quiet] = [closed<number>(), closed<number>(), new Channel<number>()]
      const cases = {
        q1: quiet.receiveCase(),
        a: a.receiveCase(),
        q2: quiet.receiveCase(),
        b: b.receiveCase(),
      }
      const rounds = 10_000
      let wins = 0
      for (const _ of upTo(rounds)) if (trySelect(cases, { random })?.case === 'a') wins += 1
      expect(Math.abs(wins / rounds - 0.5)).toBeLessThanOrEqual(4.891676 / (2 * Math.sqrt(rounds)))
    })

    everySchedule.each([0, 100])(
      'GO-040 two sends on one channel share 100 rounds at capacity %d',
      async (capacity) => {
        const channel = new Channel<number>(capacity)
        const random = seededRandom(40)
        const rounds = sized(100, 30)
        const counts = [0, 0]
        await together(
          async () => {
            for (const _ of upTo(rounds))
              await select({ a: channel.sendCase(0), b: channel.sendCase(1) }, { random })
            channel.close()
          },
          async () => {
            for await (const n of channel) counts[n]! += 1
          },
        )
        expect(Math.min(...counts)).toBeGreaterThan(rounds / 10)
        expect(counts[0]! + counts[1]!).toBe(rounds)
      },
    )

    everySchedule('GO-041 exactly one case is performed: 100,000 sends over four channels', async () => {
      const channels = upTo(4).map((i) => new Channel<number>(i))
      const seen = new Uint8Array(sized(100_000, 15))
      await using scope = new Scope()
      scope.go(async () => {
        for (const n of seen.keys()) {
          const [a, b, c, d] = channels.map((channel) => channel.sendCase(n))
          await select({ a, b, c, d })
        }
        for (const channel of channels) channel.close()
      })
      for (const _ of upTo(3)) {
        scope.go(async () => {
          const open = new Map(channels.map((channel, i) => [String(i), channel.receiveCase()]))
          while (open.size > 0) {
            const chosen = await select(Object.fromEntries(open))
            if (chosen.ok) seen[chosen.value]! += 1
            else open.delete(chosen.case)
          }
        })
      }
      await scope.wait()
      expect(seen.every((count) => count === 1)).toBe(true)
    })

    everySchedule.each(['GO-042 by a value', 'GO-043 by a close'])(
      '%s one of two channels is always ready, so a select always finds one',
      async (how) => {
        for (let round = 0; round < sized(100_000, 20); round++) {
          const [a, b] = [new Channel<number>(1), new Channel<number>(1)]
          a.trySend(1)
          const other = Promise.resolve().then(() => trySelect({ a: a.receiveCase(), b: b.receiveCase() }))
          if (how.startsWith('GO-042')) await b.send(1)
          else b.close()
          a.tryReceive()
          if ((await other) === undefined) expect.unreachable(`round ${round}`)
        }
      },
    )

    everySchedule('GO-044 an empty select never settles, unless its signal aborts', async () => {
      expect(trySelect({})).toBe(undefined)
      expect(await hasSettled(select({}))).toBe(false)
      const controller = new AbortController()
      const selected = select({}, { signal: controller.signal })
      controller.abort(new Error('enough'))
      await expect(selected).rejects.toThrow('enough')
    })

    everySchedule('GO-006 GO-045 a select of undefined cases only never settles', async () => {
      expect(await hasSettled(select({ a: undefined, b: undefined }))).toBe(false)
    })

    everySchedule('GO-046 an undefined case is never chosen', async () => {
      let numbers: Channel<number> | undefined = closed()
      let words: Channel<string> | undefined = new Channel(1)
      await words.send('last')
      const seen: string[] = []
      while (numbers ?? words) {
        const chosen = await select({ number: numbers?.receiveCase(), word: words?.receiveCase() })
        if (chosen.ok) seen.push(String(chosen.value))
        else if (chosen.case === 'number') numbers = undefined
        else words = undefined
        if (words?.length === 0) words.close()
        if (seen.length > 0) words = undefined
      }
      expect(seen).toEqual(['last'])
    })

    test('GO-047 trySelect never waits, for any cases', () => {
      const [quiet, full] = [new Channel<number>(), new Channel<number>(1)]
      full.trySend(1)
      const cases = { got: quiet.receiveCase(), put: full.sendCase(2), late: after(new ManualClock(), 0) }
      expect(trySelect(cases)).toBe(undefined)
      expect([full.length, quiet.trySend(1)]).toEqual([1, false])
    })

    everySchedule(
      'GO-050 channels and values of all cases are evaluated once, in source order, chosen or not',
      async () => {
        const calls: string[] = []
        const note = <T>(name: string, value: T): T => {
          calls.push(name)
          return value
        }
        const channels = upTo(3).map(() => new Channel<number>(1))
        await channels[1]!.send(1)
        channels[2]!.trySend(1)
        await select({
          a: note('a', channels[0]!).receiveCase(),
          b: note('b', channels[1]!).sendCase(note('value of b', 1)),
          c: note('c', channels[2]!).receiveCase(),
        })
        expect(calls).toEqual(['a', 'b', 'value of b', 'c'])
      },
    )

    everySchedule('GO-051 the code of a case runs only when that case was chosen', async () => {
      const [full, empty] = [new Channel<number>(1), new Channel<number>()]
      full.trySend(1)
      const ran: string[] = []
      const chosen = await select({ full: full.receiveCase(), empty: empty.receiveCase() })
      switch (chosen.case) {
        case 'full':
          ran.push('full')
          break
        case 'empty':
          ran.push('empty')
          break
      }
      expect(ran).toEqual(['full'])
    })

    everySchedule('GO-059 break leaves the switch; a label or return leaves the loop', async () => {
      const numbers = new Channel<number>(3)
      for (const n of upTo(3)) numbers.trySend(n)
      numbers.close()
      const received: number[] = []
      rounds: for (;;) {
        const chosen = await select({ number: numbers.receiveCase() })
        switch (chosen.ok) {
          case true:
            received.push(chosen.value)
            break
          case false:
            break rounds
        }
      }
      expect(received).toEqual([0, 1, 2])
    })

    everySchedule('GO-053 a channel may appear in several cases', async () => {
      const channel = new Channel<number>()
      const selected = select({ a: channel.receiveCase(), b: channel.receiveCase() })
      await channel.send(1)
      expect(await selected).toMatchObject({ ok: true, value: 1 })
      expect(hasReceiver(channel)).toBe(false)
    })
  })

  describe('closed channels', () => {
    everySchedule('GO-048 a receive from a closed channel is always ready', async () => {
      const channel = closed<number>()
      for (const _ of upTo(3)) {
        expect(trySelect({ got: channel.receiveCase() })).toEqual({
          case: 'got',
          ok: false,
          value: undefined,
        })
        expect(await select({ got: channel.receiveCase() })).toEqual({
          case: 'got',
          ok: false,
          value: undefined,
        })
      }
    })

    everySchedule.each([0, 1])(
      'GO-049 GO-030 a send on a closed channel is ready, and throws when chosen, capacity %d',
      async (n) => {
        const channel = closed<number>(n)
        expect(() => trySelect({ put: channel.sendCase(1) })).toThrow(ChannelClosedError)
        await expect(select({ put: channel.sendCase(1) })).rejects.toThrow(ChannelClosedError)
        const random = seededRandom(49)
        const outcomes = upTo(100).map(() => {
          try {
            return trySelect({ got: channel.receiveCase(), put: channel.sendCase(1) }, { random })?.case
          } catch (error) {
            return error
          }
        })
        expect(new Set(outcomes.map((outcome) => typeof outcome))).toEqual(new Set(['string', 'object']))
      },
    )

    everySchedule('GO-029 GO-032 closing settles a waiting select', async () => {
      const channel = new Channel<number>()
      const receiving = select({ got: channel.receiveCase() })
      channel.close()
      expect(await receiving).toEqual({ case: 'got', ok: false, value: undefined })
      const other = new Channel<number>()
      const sending = select({ put: other.sendCase(1), got: new Channel<number>().receiveCase() })
      other.close()
      await expect(sending).rejects.toThrow(ChannelClosedError)
      expect(other.tryReceive()).not.toBe(1)
    })

    everySchedule(
      'GO-037 GO-038 plain, one-case and two-case receives agree on a closed channel',
      async () => {
        const quiet = new Channel<number>()
        const forms: ((channel: Channel<number>) => Promise<{ ok: boolean; value: number | undefined }>)[] = [
          (channel) => channel.receive(),
          (channel) => select({ got: channel.receiveCase() }),
          (channel) => select({ got: channel.receiveCase(), quiet: quiet.receiveCase() }),
        ]
        for (const form of forms) {
          const channel = new Channel<number>(1)
          await channel.send(7)
          channel.close()
          expect(await form(channel)).toMatchObject({ ok: true, value: 7 })
          expect(await form(channel)).toMatchObject({ ok: false, value: undefined })
          expect(await form(channel)).toMatchObject({ ok: false, value: undefined })
        }
      },
    )
  })
})
