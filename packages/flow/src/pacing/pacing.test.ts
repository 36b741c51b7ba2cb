import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, clock, operatorHarness, operatorLives, watermark, type Happening } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pipeline } from '../pipeline.ts'
import type { KeyedStream, TimedStream } from '../stream.ts'
import type { BatchOptions } from './batch.ts'

interface Item {
  readonly key: string
  readonly n: number
}

type Build = (items: TimedStream<Item>) => TimedStream<unknown>

function nodeOf(build: Build): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    const items = p.from('in', memory.read<Item>({})).withTimestamps({ timestamp: () => 0 })
    build(items).to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** What comes out in all lives of the operator, which leaves nothing behind. */
function results(build: Build, input: readonly Happening<Item>[], keepsState = false): readonly unknown[] {
  const { create, inputs } = nodeOf(build)
  const { exchange } = inputs[0]
  const keyBy = (item: Item) => (exchange.kind === 'key' ? exchange.by(item) : null)
  return operatorLives<Item>({ create, keyBy, input, keepsState }).outputs.map(({ value, time }) => [
    value,
    time,
  ])
}

const item = (time: number, key: string, n: number) => at(time, { key, n })
const byKey = (items: TimedStream<Item>) => items.keyBy(({ key }) => key)
const batches =
  (options: BatchOptions<Item>): Build =>
  (items) =>
    byKey(items)
      .batch('b', options)
      .map(({ key, values }) => `${key} ${values.map(({ n }) => n).join()}`)

describe('batch', () => {
  test('a batch ends when it is full, and at the end of the input', () => {
    const input = [item(1, 'a', 1), item(2, 'b', 2), item(3, 'a', 3), item(4, 'a', 4), watermark(9)]
    expect(results((items) => byKey(items).batch('b', { size: 2 }), input)).toEqual([
      [
        {
          key: 'a',
          values: [
            { key: 'a', n: 1 },
            { key: 'a', n: 3 },
          ],
        },
        3,
      ],
      [{ key: 'b', values: [{ key: 'b', n: 2 }] }, 9],
      [{ key: 'a', values: [{ key: 'a', n: 4 }] }, 9],
    ])
  })

  test('without a key it emits arrays of records of any key', () => {
    const input = [item(1, 'a', 1), item(2, 'b', 2), item(3, 'a', 3), watermark(9)]
    const [first, second] = results((items) => items.batch('b', { size: 2 }), input) as [[Item[]], [Item[]]]
    expect([first[0].map(({ n }) => n), second[0].map(({ n }) => n)]).toEqual([[1, 2], [3]])
  })

  test('a record that would exceed the bytes begins the next batch, and a larger one is a batch of its own', () => {
    const { create } = nodeOf((items) => byKey(items).batch('b', { bytes: 10, bytesOf: ({ n }) => n }))
    const harness = operatorHarness<Item>(create, { keyBy: ({ key }) => key })
    for (const n of [4, 5, 2, 30, 1, 9, 10]) harness.record({ key: 'a', n }, 0)
    const sizes = harness.outputs.map(({ value }) => (value as { values: Item[] }).values.map(({ n }) => n))
    expect(sizes).toEqual([[4, 5], [2], [30], [1, 9], [10]])
    expect(harness.cells()).toEqual({ '#timers': 0, values: 0, open: 0 })
  })

  test('a batch ends a time after its first record, by the clock or by event time', () => {
    const { create } = nodeOf((items) => byKey(items).batch('b', { size: 3, time: '5ms' }))
    const harness = operatorHarness<Item>(create, { keyBy: ({ key }) => key })
    harness.record({ key: 'a', n: 1 }, 0)
    harness.processingTime(4)
    harness.record({ key: 'a', n: 2 }, 0)
    expect(harness.outputs.length).toBe(0)
    harness.processingTime(5)
    expect(harness.outputs.length).toBe(1)
    for (const n of [3, 4, 5]) harness.record({ key: 'a', n }, 0)
    expect([harness.outputs.length, harness.cells()['#timers']]).toEqual([2, 0])
    const input = [item(1, 'a', 1), item(5, 'a', 2), watermark(6), item(7, 'a', 3)]
    expect(results((items) => byKey(items).batch('b', { time: 5, clock: 'event' }), input)).toMatchObject([
      [{ values: [{ n: 1 }, { n: 2 }] }, 6],
      [{ values: [{ n: 3 }] }, 12],
    ])
  })

  test('any records, checkpoints and 1 to 4 subtasks: batches are those of a loop over each key', () => {
    const drawn = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c'), n: fc.integer({ min: 1, max: 9 }) }),
      },
      { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
    )
    fc.assert(
      fc.property(
        fc.array(drawn, { maxLength: 40 }),
        fc.record({ size: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 20 }) }),
        (steps, limits) => {
          const node = nodeOf((items) => byKey(items).batch('b', { ...limits, bytesOf: ({ n }) => n }))
          const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
          for (const step of steps) {
            if ('restoreAt' in step) harness.snapshotAndRestore(step.restoreAt)
            else harness.record(step, 0)
          }
          harness.end()
          const expected = ['a', 'b', 'c'].flatMap((key) => {
            const all: number[][] = [[]]
            for (const step of steps) {
              if (!('key' in step) || step.key !== key) continue
              const sum = all.at(-1)!.reduce((x, y) => x + y, 0)
              if (all.at(-1)!.length === limits.size || (sum > 0 && sum + step.n > limits.bytes)) all.push([])
              all.at(-1)!.push(step.n)
            }
            return all.filter((batch) => batch.length > 0).map((batch) => `${key} ${batch.join()}`)
          })
          const seen = harness.outputs.map(({ value }) => {
            const { key, values } = value as { key: string; values: Item[] }
            return `${key} ${values.map(({ n }) => n).join()}`
          })
          expect(seen.toSorted()).toEqual(expected.toSorted())
          expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a batch without a limit is refused', () => {
    expect(() => nodeOf(batches({}))).toThrow("batch 'b' has no limit; give size or bytes or time")
    expect(() => nodeOf(batches({ size: 0 }))).toThrow("size of 'b' is 0; give a whole number from 1")
  })
})

describe('throttle', () => {
  const four = [1, 2, 3, 4].map((n) => item(0, 'a', n))

  test('more records than a period allows wait, in order, and the end waits for nothing', () => {
    const { create } = nodeOf((items) => byKey(items).throttle('t', { records: 1, per: 10 }))
    const harness = operatorHarness<Item>(create, { keyBy: ({ key }) => key })
    for (const n of [1, 2, 3]) harness.record({ key: 'a', n })
    harness.record({ key: 'b', n: 4 })
    const seen = () => harness.outputs.map(({ value }) => (value as Item).n)
    expect(seen()).toEqual([1, 4])
    harness.processingTime(9)
    expect(seen()).toEqual([1, 4])
    harness.processingTime(10)
    expect(seen()).toEqual([1, 4, 2])
    harness.snapshotAndRestore(2)
    for (const now of [20, 30, 40]) harness.processingTime(now)
    expect(seen()).toEqual([1, 4, 2, 3])
    expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
    const seenAtEnd = results(
      (items) => byKey(items).throttle('t', { records: 1, per: 10 }),
      [...four, clock(10)],
    )
    expect(seenAtEnd.map((each) => (each as [Item])[0].n)).toEqual([1, 2, 3, 4])
  })

  test('dropped records are counted', () => {
    const { create } = nodeOf((items) => items.throttle('t', { records: 2, per: '1s', excess: 'drop' }))
    const harness = operatorHarness<Item>(create, { keyBy: () => null })
    for (const n of [1, 2, 3, 4]) harness.record({ key: 'a', n })
    expect(harness.outputs.length).toBe(2)
    expect(harness.counted('skipped')).toBe(2)
  })
})

describe('delay, debounce and sample', () => {
  test('a delayed record leaves later, at the time at which it leaves, and behind those before it', () => {
    const input = [item(10, 'a', 1), item(5, 'a', 2), watermark(11), item(12, 'a', 3), watermark(15)]
    const build: Build = (items) => byKey(items).delay('d', { by: 10, clock: 'event' })
    expect(results(build, input)).toMatchObject([
      [{ n: 1 }, 20],
      [{ n: 2 }, 20],
      [{ n: 3 }, 22],
    ])
    const processing = [item(1, 'a', 1), clock(4), item(2, 'a', 2), watermark(3), clock(10), clock(14)]
    expect(results((items) => items.delay('d', { by: 10 }), processing)).toMatchObject([
      [{ n: 1 }, 3],
      [{ n: 2 }, 3],
    ])
  })

  test('debounce emits the last record of a key after a quiet time', () => {
    const input = [
      item(1, 'a', 1),
      item(9, 'a', 3),
      item(4, 'a', 2),
      item(2, 'b', 7),
      watermark(12),
      item(30, 'a', 4),
    ]
    const build: Build = (items) => byKey(items).debounce('d', { quiet: 10, clock: 'event' })
    expect(results(build, input)).toMatchObject([
      [{ n: 7 }, 12],
      [{ n: 3 }, 19],
      [{ n: 4 }, 40],
    ])
  })

  test('sample emits the first of each so many records of a key', () => {
    const input = [1, 2, 3, 4, 5].flatMap((n) => [item(n, 'a', n), ...(n < 3 ? [item(n, 'b', n * 10)] : [])])
    const seen = results((items) => byKey(items).sample('s', { every: 2 }), input, true)
    expect(seen.map((each) => (each as [Item])[0].n)).toEqual([1, 10, 3, 5])
  })

  test('event time needs timestamps', () => {
    const build = (use: (keyed: KeyedStream<number, number>) => { to(...to: never[]): void }) =>
      pipeline('p', (p) => {
        const keyed = p.from('in', memory.read<number>({})).keyBy((n) => n)
        use(keyed).to(...(['out', memory.write()] as never[]))
      }).describe()
    const message =
      "which its stream does not have; call withTimestamps before it, or write clock: 'processing'"
    expect(() => build((keyed) => keyed.delay('d', { by: 1, clock: 'event' }))).toThrow(message)
    expect(() => build((keyed) => keyed.batch('b', { time: 1, clock: 'event' }))).toThrow(message)
    build((keyed) => keyed.debounce('d', { quiet: 1 }))
  })
})
