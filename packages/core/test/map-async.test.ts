import { describe, expect, test } from 'vitest'
import { sleep } from '@millrace/world'
import { memory } from '@millrace/connector-memory'
import type { DeadLetter } from '@millrace/core/operator'
import { count, deadLetter, skip, tumbling } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live } from './simulated-job.ts'

const ten = Array.from({ length: 10 }, (_, i) => i)

/** The key of a number; it throws for 4. */
function remainderOf(n: number): number {
  if (n === 4) throw new TypeError(`cannot take ${n}`)
  return n % 3
}

describe('mapAsync', () => {
  const delays = [5, 1, 3, 1, 2]

  async function order(
    kind: 'none' | 'input',
    concurrency = 5,
  ): Promise<{ values: readonly number[]; most: number }> {
    const sink = memory.write<number>()
    const platform = simPlatform({ seed: 1 })
    let inFlight = 0
    let most = 0
    await live(
      (p) =>
        p
          .from('n', memory.read({ all: delays }))
          .mapAsync(
            'wait',
            async (delay) => {
              most = Math.max(most, ++inFlight)
              await sleep(platform.clock, delay)
              inFlight--
              return delay
            },
            { order: kind, concurrency },
          )
          .to('out', sink),
      { platform, checkpoints: { everyMs: 1e6 } },
    )
    return { values: sink.values, most }
  }

  test('EN-251 emits results in input order or as they arrive, and bounds the calls in flight', async () => {
    expect(await order('input')).toEqual({ values: delays, most: 5 })
    expect(await order('none')).toEqual({ values: [1, 1, 2, 3, 5], most: 5 })
    expect((await order('none', 2)).most).toBe(2)
  })

  test('EN-251 order by key: results of one key are emitted in order, and do not wait for other keys', async () => {
    const platform = simPlatform({ seed: 1 })
    const sink = memory.write<{ key: string; delay: number }>()
    const input = [
      { key: 'a', delay: 5 },
      { key: 'a', delay: 1 },
      { key: 'b', delay: 2 },
    ]
    await live(
      (p) =>
        p
          .from('n', memory.read({ all: input }))
          .keyBy(({ key }) => key)
          .mapAsync('wait', async (value) => {
            await sleep(platform.clock, value.delay)
            return value
          })
          .to('out', sink),
      { platform, checkpoints: { everyMs: 1e6 } },
    )
    expect(sink.values.map(({ key, delay }) => `${key}${delay}`)).toEqual(['b2', 'a5', 'a1'])
  })

  test('EN-251 a result is never emitted after a watermark that its record preceded', async () => {
    const platform = simPlatform({ seed: 1 })
    const windows = memory.write<{ n: number }>()
    const late = memory.write<unknown>()
    await live(
      (p) => {
        const counted = p
          .from('n', pacedSource({ all: Array.from({ length: 50 }, (_, i) => i * 10) }, 5))
          .withTimestamps({ timestamp: (n) => n })
          .mapAsync(
            'wait',
            async (n) => {
              await sleep(platform.clock, n % 30 === 0 ? 40 : 1)
              return n
            },
            { order: 'none', concurrency: 20 },
          )
          .keyBy(() => 'all')
          .window(tumbling(50))
          .aggregate('w', { n: count() })
        counted.to('out', windows)
        counted.late.to('late', late)
      },
      { platform },
    )
    expect(late.values).toEqual([])
    expect(windows.values.map(({ n }) => n)).toEqual(Array.from({ length: 10 }, () => 5))
  })

  test('a call that takes too long fails its record, and its signal is aborted', async () => {
    const platform = simPlatform({ seed: 1 })
    const sink = memory.write<number>()
    let aborted = 0
    await live(
      (p) =>
        p
          .from('n', memory.read({ all: [1, 50, 2] }))
          .mapAsync(
            'wait',
            async (delay, signal) => {
              await sleep(platform.clock, delay, signal).catch((error: unknown) => {
                aborted++
                throw error
              })
              return delay
            },
            { timeout: 10, onError: skip() },
          )
          .to('out', sink),
      { platform },
    )
    expect(sink.values).toEqual([1, 2])
    expect(aborted).toBe(1)
  })

  test.each(['key', 'input', 'none'] as const)(
    'a record whose key function throws follows the policy of mapAsync, in order of %s',
    async (order) => {
      const letters = memory.write<DeadLetter>()
      const sink = memory.write<number>()
      const { result } = await live(
        (p) =>
          p
            .from('numbers', pacedSource({ all: ten }, 4))
            .keyBy((n) => remainderOf(n))
            .mapAsync('ask', async (n) => n, { order, onError: deadLetter('letters', letters) })
            .to('out', sink),
        { parallelism: 2 },
      )
      expect(result).toEqual({ outcome: 'finished' })
      expect(sink.values.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
      const place = "source 'events', split 'all', index 4"
      expect(letters.values).toMatchObject([{ operator: 'ask', value: '4', place }])
    },
  )

  describe('a record that no checkpoint can hold', () => {
    class Money {
      readonly cents: number
      constructor(cents: number) {
        this.cents = cents
      }
    }
    const endless: Record<string, unknown> = { at: 2 }
    endless['self'] = endless
    const strange: readonly (readonly [record: unknown, fault: string])[] = [
      [{ price: new Money(5) }, 'the value at .price is an instance of Money'],
      [{ at: 1, total: () => 7 }, 'the value at .total is a function'],
      [endless, 'contains itself, at .self.self'],
    ]

    test('is a dead letter as soon as it arrives, with its place, and its call is not made', async () => {
      const platform = simPlatform({ seed: 1 })
      const letters = memory.write<DeadLetter>()
      const sink = memory.write<unknown>()
      const called: unknown[] = []
      const { result } = await live(
        (p) =>
          p
            .from('n', pacedSource({ all: [0, 1, 2, 3] }, 4))
            .map((n) => strange[n]?.[0] ?? { n })
            .mapAsync(
              'ask',
              async (record) => {
                called.push(record)
                await sleep(platform.clock, 1_000)
                return record
              },
              { onError: deadLetter('letters', letters) },
            )
            .to('out', sink),
        { platform, checkpoints: { everyMs: 5 } },
      )
      expect(result).toEqual({ outcome: 'finished' })
      expect(called).toEqual([{ n: 3 }])
      expect(sink.values).toEqual([{ n: 3 }])
      expect(letters.values.map(({ operator, place }) => [operator, place])).toEqual(
        [0, 1, 2].map((index) => ['ask', `source 'events', split 'all', index ${index}`]),
      )
      for (const [index, { message }] of letters.values.entries()) {
        expect(message).toContain(strange[index]![1])
      }
    })

    test('fails the job at once by default, before any checkpoint', async () => {
      const { result, events } = await live(
        (p) =>
          p
            .from('n', pacedSource({ all: [1] }, 1))
            .map((n) => new Money(n))
            .mapAsync('ask', async (money) => money.cents)
            .to('out', memory.write()),
        { checkpoints: { everyMs: 1e6 } },
      )
      expect(result).toMatchObject({ outcome: 'failed', error: { code: 'OPERATOR_FAILED' } })
      expect(String((result as { error: unknown }).error)).toContain(
        "operator 'ask' failed at source 'events', split 'all', index 0: CODEC_FAILED: mapAsync keeps its records in checkpoints",
      )
      expect(events.some((event) => event.kind === 'checkpointCompleted')).toBe(false)
    })
  })
})
