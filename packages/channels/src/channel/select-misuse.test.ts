import { describe, expect, test } from 'vitest'
import { background } from '../context/endless-context.ts'
import { Timer } from '../time/timer.ts'
import { ManualClock } from '@millrace/world'
import { hasSettled } from '../../test/probe.ts'
import { Channel } from './channel.ts'
import { select, trySelect } from './select.ts'
import type { SelectCases, SelectOptions } from './select.ts'
import { after } from './select-case.ts'
import type { SelectCase } from './select-case.ts'
import { Selector } from './selector.ts'

const CASE = 'channel.receiveCase() or channel.sendCase(value)'

/** Arguments from plain JavaScript, cast for the compiler. */
const as = <T>(given: unknown): T => given as T

/** Each way to select, as a promise. */
const forms: readonly (readonly [name: string, form: (cases: SelectCases) => Promise<unknown>])[] = [
  ['select', (cases) => select(cases)],
  ['trySelect', async (cases) => trySelect(cases)],
  ['Selector', (cases) => new Selector(cases).next()],
  ['Selector', async (cases) => new Selector(cases).try()],
]

describe.each(forms)('%s with an invalid case', (name, form) => {
  const refused = (given: unknown, text: string): Promise<void> =>
    expect(async () => form(as(given))).rejects.toThrow(new TypeError(`${name}: ${text}`))

  test('names and describes it, with advice', async () => {
    const channel = new Channel<number>(1)
    await refused({ job: channel }, `the case "job" is a Channel; pass ${CASE}`)
    await refused([channel], `the case "0" is a Channel; pass ${CASE}`)
    await refused(
      { job: channel.receiveOnly() },
      'the case "job" is a ReceiveOnly; pass channel.receiveCase()',
    )
    await refused({ put: channel.sendOnly() }, 'the case "put" is a SendOnly; pass channel.sendCase(value)')
    await refused({ job: channel.receive() }, `the case "job" is a promise; pass ${CASE}`)
    await refused({ job: [] }, `the case "job" is an array; pass ${CASE}`)
    await refused({ job: 5 }, `the case "job" is 5; pass ${CASE}`)
    await refused({ late: new Timer(new ManualClock(), 5) }, `the case "late" is a Timer; pass ${CASE}`)
    await refused(
      { stop: new AbortController().signal },
      'the case "stop" is an AbortSignal; pass aborted(signal)',
    )
    await refused({ done: background }, 'the case "done" is an EndlessContext; pass doneCase(context)')
  })

  test('rejects an invalid object of cases', async () => {
    const channel = new Channel<number>(1)
    for (const [given, shown] of [
      [channel, 'a Channel'],
      [channel.receiveCase(), 'a ReceiveCase'],
      [channel.receive(), 'a promise'],
      [new Map([['job', channel.receiveCase()]]), 'a Map'],
      [[], 'an array'],
      [undefined, 'undefined'],
      [null, 'null'],
      [5, '5'],
      ['abc', '"abc"'],
      [() => ({}), 'a function'],
    ] as const) {
      await refused(given, `${shown} is not an object of cases; pass { name: channel.receiveCase() }`)
    }
  })

  test('distinguishes it from a case that is never chosen, and from an empty select', async () => {
    const nothing = Object.create(null) as SelectCases
    for (const cases of [{ job: undefined, put: as<undefined>(null) }, {}, nothing]) {
      const outcome = form(cases).then((chosen) => [chosen])
      expect((await hasSettled(outcome)) ? await outcome : [undefined]).toEqual([undefined])
    }
  })
})

test('rejects a function in a select, and an invalid result of a function in a selector', async () => {
  const channel = new Channel<number>()
  const text = (shown: string, pass: string): TypeError => new TypeError(`${shown}; pass ${pass}`)
  expect(() => trySelect(as<SelectCases>({ job: () => channel.receiveCase() }))).toThrow(
    text('trySelect: the case "job" is the function job', 'its result'),
  )
  const selector = new Selector({ job: () => as<SelectCase>(channel) })
  const wrong = text('Selector: the case "job" is a Channel', CASE)
  await expect(selector.next()).rejects.toThrow(wrong)
  expect(() => selector.try()).toThrow(wrong)
})

test('rejects invalid options with a description', async () => {
  const cases = { job: new Channel<number>().receiveCase() }
  const { signal } = new AbortController()
  const refused = (given: unknown, text: string): Promise<void> =>
    expect(select(cases, as<SelectOptions>(given))).rejects.toThrow(new TypeError(`select: ${text}`))
  await refused(signal, 'the options are an AbortSignal; pass { signal, random }')
  await refused(null, 'the options are null; pass { signal, random }')
  await refused(
    { signal: new AbortController() },
    'the signal is an AbortController; pass its property signal',
  )
  await refused({ random: Math }, 'the option random is an object; pass a Random, such as seededRandom(1)')
  await expect(new Selector(cases).next(as<AbortSignal>({ signal }))).rejects.toThrow(
    new TypeError('Selector.next: the signal is an object; pass its property signal'),
  )
})

describe('a select that fails while it joins its queues', () => {
  const broken = new Error('broken')
  class BrokenClock extends ManualClock {
    override schedule(): never {
      throw broken
    }
  }
  const late = after(new BrokenClock(), 5)

  const starts: readonly (readonly [string, (channel: Channel<number>) => Promise<unknown>])[] = [
    ['select', (channel) => select({ job: channel.receiveCase(), late })],
    ['a selector', (channel) => new Selector({ job: channel.receiveCase(), late }).next()],
  ]

  test.each(starts)('%s leaves no waiter that would receive a value', async (_, start) => {
    for (let round = 0; round < 20; round++) {
      const channel = new Channel<number>()
      await expect(start(channel)).rejects.toBe(broken)
      expect(channel.trySend(1)).toBe(false)
    }
  })

  test('a selector continues after a failed round', async () => {
    const channel = new Channel<number>()
    let isBroken = true
    const selector = new Selector({
      job: channel.receiveCase(),
      late: () => (isBroken ? late : undefined),
    })
    await expect(selector.next()).rejects.toBe(broken)
    isBroken = false
    const chosen = selector.next()
    expect(channel.trySend(1)).toBe(true)
    expect(await chosen).toEqual({ case: 'job', ok: true, value: 1 })
  })
})
