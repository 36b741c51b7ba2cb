import { expect, expectTypeOf } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, together, upTo } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { ChannelClosedError } from './channel-closed-error.ts'
import { EMPTY } from './channel-end.ts'
import { ManualClock, seededRandom } from '@millrace/world'
import { after } from './select-case.ts'
import { trySelect } from './select.ts'
import { Selector } from './selector.ts'

// Rounds are tested with select; here are the tests about several rounds.

/** Whether a task waits to receive from an unbuffered channel. If so, ends its wait. */
function hasReceiver(channel: Channel<number>): boolean {
  return trySelect({ put: channel.sendCase(0) }) !== undefined
}

everySchedule('returns the chosen case, typed as by select, also for cases that are functions', async () => {
  const [words, numbers] = [new Channel<string>(1), new Channel<number>(1)]
  const selector = new Selector({
    word: words.receiveCase(),
    put: () => (words.length === 0 ? undefined : numbers.sendCase(1)),
    late: after(new ManualClock(), 5),
    off: undefined,
  })
  await words.send('x')
  const chosen = await selector.next()
  expectTypeOf(chosen.case).toEqualTypeOf<'word' | 'put' | 'late'>()
  if (chosen.case === 'word' && chosen.ok) expectTypeOf(chosen.value).toEqualTypeOf<string>()
  // @ts-expect-error a send has no value to report
  if (chosen.case === 'put') expect(chosen.value).toBe(undefined)
  expect(['word', 'put']).toContain(chosen.case)
})

everySchedule('GO-041 many rounds, ready and waiting, lose and duplicate nothing', async () => {
  const [left, right, out] = [new Channel<number>(), new Channel<number>(2), new Channel<number>(1)]
  const count = sized(2_000, 20)
  const received: number[] = []
  const send = async (channel: Channel<number>, first: number): Promise<void> => {
    for (let n = first; n < count; n += 2) await channel.send(n)
    channel.close()
  }
  const forward = async (): Promise<void> => {
    const queue: number[] = []
    const open = { left: true, right: true }
    const selector = new Selector(
      {
        left: () => (open.left ? left.receiveCase() : undefined),
        put: () => (queue.length > 0 ? out.sendCase(queue[0]!) : undefined),
        right: () => (open.right ? right.receiveCase() : undefined),
      },
      { random: seededRandom(41) },
    )
    while (open.left || open.right || queue.length > 0) {
      const chosen = await selector.next()
      if (chosen.case === 'put') queue.shift()
      else if (chosen.ok) queue.push(chosen.value)
      else open[chosen.case] = false
    }
    out.close()
  }
  await together(
    () => send(left, 0),
    () => send(right, 1),
    forward,
    async () => {
      for await (const n of out) received.push(n)
    },
  )
  expect(received.toSorted((a, b) => a - b)).toEqual(upTo(count))
  for (const half of [0, 1]) {
    const ofOne = received.filter((n) => n % 2 === half)
    expect(ofOne).toEqual(ofOne.toSorted((a, b) => a - b))
  }
})

everySchedule('GO-046 a function that returns undefined disables its case for that round', async () => {
  const [a, b] = [new Channel<number>(9), new Channel<number>(9)]
  await a.sendMany(upTo(4))
  await b.sendMany(upTo(4))
  let isOn = true
  const selector = new Selector({ a: () => (isOn ? a.receiveCase() : undefined), b: b.receiveCase() })
  isOn = false
  for (const _ of upTo(4)) expect((await selector.next()).case).toBe('b')
  expect(selector.try()).toBe(undefined)
  isOn = true
  expect((await selector.next()).case).toBe('a')
})

everySchedule('GO-045 a selector with all cases disabled never settles, and can be aborted', async () => {
  const selector = new Selector({ a: undefined, b: () => undefined })
  expect(selector.try()).toBe(undefined)
  const controller = new AbortController()
  const next = selector.next(controller.signal)
  expect(await hasSettled(next)).toBe(false)
  controller.abort(new Error('enough'))
  await expect(next).rejects.toThrow('enough')
})

everySchedule('GO-050 functions are called once a round, in source order, chosen or not', async () => {
  const calls: string[] = []
  const [a, b] = [new Channel<number>(1), new Channel<number>()]
  const selector = new Selector({
    a: () => {
      calls.push('a')
      return a.receiveCase()
    },
    b: () => {
      calls.push('b')
      return b.sendCase(calls.length)
    },
  })
  await a.send(1)
  await selector.next()
  const waits = selector.next()
  expect(await b.receive()).toEqual({ ok: true, value: 4 })
  expect((await waits).case).toBe('b')
  expect(calls).toEqual(['a', 'b', 'a', 'b'])
})

everySchedule('GO-054 GO-060 GO-061 a finished round leaves nothing behind, however it ended', async () => {
  const clock = new ManualClock()
  const [a, b] = [new Channel<number>(), new Channel<number>()]
  const selector = new Selector({ a: a.receiveCase(), b: b.sendCase(1), late: after(clock, 9) })
  const nobodyWaits = (): void => {
    expect([hasReceiver(a), b.tryReceive(), clock.pending]).toEqual([false, EMPTY, 0])
  }
  for (const _ of upTo(3)) {
    const received = selector.next()
    await a.send(7)
    expect(await received).toEqual({ case: 'a', ok: true, value: 7 })
    nobodyWaits()
    const sent = selector.next()
    expect((await b.receive()).value).toBe(1)
    expect(await sent).toEqual({ case: 'b' })
    nobodyWaits()
    const late = selector.next()
    await clock.advance(9)
    expect(await late).toEqual({ case: 'late' })
    nobodyWaits()
    const controller = new AbortController()
    const aborted = selector.next(controller.signal)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    nobodyWaits()
  }
})

everySchedule('a case may be a receive in one round and a send in the next', async () => {
  const channel = new Channel<number>()
  let receives = true
  const selector = new Selector({ it: () => (receives ? channel.receiveCase() : channel.sendCase(5)) })
  for (const _ of upTo(3)) {
    receives = true
    const received = selector.next()
    await channel.send(1)
    expect(await received).toEqual({ case: 'it', ok: true, value: 1 })
    receives = false
    const sent = selector.next()
    expect((await channel.receive()).value).toBe(5)
    expect(await sent).toEqual({ case: 'it' })
  }
})

everySchedule('a second round while one waits is rejected, and the first continues', async () => {
  const channel = new Channel<number>()
  const selector = new Selector({ got: channel.receiveCase() })
  const first = selector.next()
  await expect(selector.next()).rejects.toThrow('a round is waiting')
  expect(() => selector.try()).toThrow('a round is waiting')
  await channel.send(1)
  expect(await first).toEqual({ case: 'got', ok: true, value: 1 })
})

everySchedule('GO-049 after a failed round the selector can be used again', async () => {
  const [closing, open] = [new Channel<number>(), new Channel<number>()]
  const selector = new Selector({
    put: () => (isPutting ? closing.sendCase(1) : undefined),
    got: open.receiveCase(),
  })
  let isPutting = true
  const failing = selector.next()
  closing.close()
  await expect(failing).rejects.toThrow(ChannelClosedError)
  isPutting = false
  const received = selector.next()
  await open.send(2)
  expect(await received).toEqual({ case: 'got', ok: true, value: 2 })
})
