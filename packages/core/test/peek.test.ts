import { memory } from '@millrace/connector-memory'
import type { Peeked, PeekedRecord, PeekOptions } from '@millrace/core/job'
import { output, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { everyPart, Flowed, peeked, slow } from './peeked-job.ts'
import { live } from './simulated-job.ts'

const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).toSorted()

/** The number of the order that a value is made of: `map` adds 100, and `twice` adds one to every second. */
function numberOf(value: unknown): number {
  const { id, called } = value as { readonly id?: number; readonly called?: number }
  const n = (id ?? called!) - 100
  return n - (n % 2)
}

const parts = ['orders', 'times', 'map', 'even', 'twice', 'rich', 'call']

describe('a peek', () => {
  test.each([
    ['one thread', {}],
    ['two threads', { parallelism: 2, threads: 2 }],
  ])('%s: sees exactly the records that leave a part, of every kind', async (_, parallel) => {
    for (const part of parts) {
      const flowed = new Flowed()
      const { records, seen, job } = await peeked(
        everyPart(flowed),
        { operator: part, perSecond: 100 },
        parallel,
      )
      expect(records.length).toBeGreaterThanOrEqual(20)
      expect([part, sorted(records.map(({ value }) => value))]).toEqual([part, sorted(flowed.of(part))])
      expect(seen).toBe(records.length)
      expect(new Set(records.map(({ operator, output: name }) => `${operator}.${name}`))).toEqual(
        new Set([`${part}.main`]),
      )
      const subtasks = new Set(records.map(({ subtask }) => subtask))
      // The orders of one split are filtered out.
      const isDivided = 'threads' in parallel && !['even', 'twice'].includes(part)
      expect([part, subtasks.size]).toEqual([part, isDivided ? 2 : 1])
      await job.cancel()
    }
  })

  test('shows the key, the event time and the headers of a record', async () => {
    const of = async (operator: string, id: number): Promise<PeekedRecord> => {
      const { records, job } = await peeked(everyPart(new Flowed()), { operator, perSecond: 100 })
      await job.cancel()
      return records.find(({ headers }) => headers['id'] === String(id))!
    }
    const common = { headers: { id: '4' }, subtask: 0, output: 'main' }
    expect(await of('orders', 4)).toMatchObject({ ...common, time: null, value: { id: 4, card: 'card-4' } })
    expect(await of('times', 4)).toMatchObject({ ...common, time: 4_000 })
    expect(await of('map', 4)).not.toHaveProperty('key')
    expect(await of('twice', 4)).toMatchObject({ ...common, key: 'card-4' })
    expect(await of('rich', 4)).toMatchObject({ ...common, key: 'card-4', time: 4_000 })
    expect(await of('call', 4)).toMatchObject({ ...common, key: 'card-4', value: { called: 104 } })
  })

  test('sees side outputs, and what a sink reads', async () => {
    const flowed = new Flowed()
    const side = await peeked(everyPart(flowed), { operator: 'rich', output: 'large', perSecond: 100 })
    expect(sorted(side.records.map(({ value }) => value))).toEqual(sorted(flowed.of('rich.large')))
    await side.job.cancel()
    const sink = await peeked(everyPart(new Flowed()), { operator: 'out', perSecond: 100 })
    expect(sink.records.at(-1)).toMatchObject({ operator: 'tap-7', value: { called: expect.any(Number) } })
    await sink.job.cancel()
  })

  test.each([
    ['one thread', {}],
    ['two threads', { parallelism: 2, threads: 2 }],
  ])('%s: with a key shows the records of this key only', async (_, parallel) => {
    for (const part of ['twice', 'rich', 'call']) {
      const flowed = new Flowed()
      const options = { operator: part, perSecond: 100, key: { is: 'card-2' } }
      const { records, seen, matched, job } = await peeked(everyPart(flowed), options, parallel)
      const wanted = flowed.of(part).filter((value) => numberOf(value) % 7 === 2)
      expect(sorted(records.map(({ value }) => value))).toEqual(sorted(wanted))
      expect([seen, matched]).toEqual([flowed.of(part).length, wanted.length])
      expect(new Set(records.map(({ key }) => key))).toEqual(new Set(['card-2']))
      expect(records.length).toBeGreaterThan(5)
      await job.cancel()
    }
  })

  test.each([
    ['one thread', {}],
    ['two threads', { parallelism: 2, threads: 2 }],
  ])('%s: shows no more than its rate in any second, and counts the rest', async (_, parallel) => {
    const { records, seen, job } = await peeked(
      everyPart(new Flowed(), slow(600, 5)),
      { operator: 'times', perSecond: 3 },
      parallel,
    )
    expect(seen).toBe(40)
    const times = records.map(({ at }) => at).toSorted((a, b) => a - b)
    for (const [at, time] of times.entries()) {
      expect(times.slice(at).filter((each) => each - time < 1_000).length).toBeLessThanOrEqual(3)
    }
    expect(records.length).toBeGreaterThanOrEqual(6)
    await job.cancel()
  })

  test.each(['orders', 'times end', 'map', 'even', 'twice', 'rich', 'rich.large', 'call end'])(
    'of %s leaves nothing behind: records take the way that they took before',
    async (place) => {
      const [operator, name] = place.replace(' end', '').split('.') as [string, string | undefined]
      const flowed = new Flowed()
      const platform = simPlatform({ seed: 1 })
      const ways: (readonly string[])[] = []
      const next = (ms: number, step: () => void): void =>
        void platform.clock.schedule(ms, () => {
          ways.push(flowed.ways(place))
          step()
          // What was under way has arrived.
          platform.clock.schedule(50, () => flowed.forgetWays())
        })
      const { job } = await live(everyPart(flowed, slow(200)), {
        platform,
        parallelism: 2,
        isBounded: false,
        until: () => ways.length === 3,
        onEvent: (event, started) => {
          if (event.kind !== 'started') return
          const peek = started.peek({ operator, output: name, perSecond: 100 })
          next(1_000, () => void peek.take())
          next(2_000, () => void peek[Symbol.asyncDispose]())
          next(3_000, () => {})
        },
      })
      await job.cancel()
      const [before, during, after] = ways
      expect(before).not.toEqual([])
      expect(during).not.toEqual(before)
      expect(after).toEqual(before)
    },
  )

  test('that no one asks ends by itself, and begins again with the next call', async () => {
    const flowed = new Flowed()
    const platform = simPlatform({ seed: 1 })
    const taken: Peeked[] = []
    const { job } = await live(everyPart(flowed, slow(500)), {
      platform,
      isBounded: false,
      until: () => taken.length === 3,
      onEvent: (event, started) => {
        if (event.kind !== 'started') return
        const peek = started.peek({ operator: 'times' })
        const take = (): void => void peek.take().then((each) => taken.push(each))
        take()
        platform.clock.schedule(8_000, take)
        platform.clock.schedule(9_100, take)
      },
    })
    expect(taken.map(({ seen }) => seen > 0)).toEqual([false, false, true])
    await job.cancel()
  })

  test('continues after a restart, and ends with the job', async () => {
    let failsAt = 12
    const build = (p: PipelineBuilder): void =>
      p
        .from('orders', slow(100))
        .tap((order) => {
          if (order.id !== failsAt) return
          failsAt = -1
          throw new Error('once')
        })
        .to('out', memory.write())
    const { records, seen, job, peek } = await peeked(
      build,
      { operator: 'orders', perSecond: 100 },
      { restart: { kind: 'fixed', delayMs: 10, attempts: 1 } },
    )
    expect(job.status().restarts).toBe(1)
    expect(sorted(records.map(({ value }) => value)).length).toBe(seen)
    const last = { id: 39, card: 'card-4' }
    expect(records.map(({ value }) => value)).toContainEqual(last)
    await job.cancel()
    await expect(peek.take()).rejects.toMatchObject({ code: 'JOB_FAILED' })
    await peek[Symbol.asyncDispose]()
    expect(await peek.take()).toEqual({ records: [], seen: 0, matched: 0 })
  })

  test('of something that is not there is refused, and names what was meant', async () => {
    const { job } = await peeked(everyPart(new Flowed()), { operator: 'map' }, { enough: () => true })
    const refused = (options: PeekOptions): string => {
      try {
        job.peek(options)
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(refused({ operator: 'rihc' })).toMatch("no operator 'rihc'; did you mean 'rich'?")
    expect(refused({ operator: 'rich', output: 'larg' })).toMatch("did you mean 'large'?")
    expect(refused({ operator: 'rich', output: 'errors' })).toMatch('millrace dlq')
    expect(refused({ operator: 'map', key: { is: 'card-4' } })).toMatch('have no key')
    expect(refused({ operator: 'map', perSecond: 101 })).toMatch('1 to 100')
    await job.cancel()
  })

  test('with names to hide shows a planted secret nowhere', async () => {
    const planted = 'planted-4929'
    const build = (p: PipelineBuilder): void =>
      p
        .from('orders', slow(100))
        .withHeaders(() => ({ Card: planted, kind: 'order' }))
        .keyBy(() => planted)
        .process('keyed', {
          output: output<unknown>(),
          onRecord: ({ value }, { emit }) => emit({ ...value, card: planted, raw: `{"card":"${planted}"}` }),
        })
        .to('out', memory.write())
    const options = { operator: 'keyed', redact: ['card'], key: { is: planted } }
    const { records, job } = await peeked(build, options)
    expect(JSON.stringify(records)).not.toMatch(planted)
    expect(records.find(({ value }) => (value as { id: number }).id === 7)).toMatchObject({
      key: '***',
      headers: { Card: '***', kind: 'order' },
      value: { id: 7, card: '***', raw: '***' },
    })
    await job.cancel()
  })
})
