import { ByteReader, ByteWriter, structuredCodec, type Key } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Aggregate } from '../window/aggregate.ts'
import { countDistinct } from '../window/count-distinct.ts'
import { approximateCountDistinct } from './approximate-count-distinct.ts'
import { heavyHitters } from './heavy-hitters.ts'
import { quantiles } from './quantiles.ts'

function fold<V, A>(aggregate: Aggregate<V, A, unknown>, values: Iterable<V>): A {
  let accumulator = aggregate.create()
  for (const value of values) accumulator = aggregate.add(accumulator, value)
  return accumulator
}

/** The accumulator as a checkpoint restores it. */
function restored<A>(accumulator: A): A {
  const writer = new ByteWriter()
  structuredCodec<A>().encode(accumulator, writer)
  return structuredCodec<A>().decode(new ByteReader(writer.written().slice()), 1)
}

/** The result of values in two parts, of which the second was restored from a checkpoint. */
function inParts<V, A, R>(aggregate: Aggregate<V, A, R>, values: readonly V[], at: number): R {
  return aggregate.result(mergedParts(aggregate, values, at))
}

function mergedParts<V, A>(aggregate: Aggregate<V, A, unknown>, values: readonly V[], at: number): A {
  const later = restored(fold(aggregate, values.slice(at)))
  const before = JSON.stringify(aggregate.result(later))
  const whole = aggregate.merge(fold(aggregate, values.slice(0, at)), later)
  expect(JSON.stringify(aggregate.result(later))).toBe(before)
  return whole
}

const itself = <T>(value: T): T => value
const numbersTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)

describe('approximateCountDistinct', () => {
  test('is exact up to 256 different values, of any type of key', () => {
    const values: readonly (Key | undefined)[] = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      [1],
      { a: 1 },
      undefined,
    ]
    const aggregate = approximateCountDistinct<Key | undefined>(itself)
    expect(aggregate.result(fold(aggregate, [...values, ...values]))).toBe(9)
    expect(aggregate.result(fold(aggregate, numbersTo(256)))).toBe(256)
  })

  test.each([300, 2_000, 10_000, 50_000])('%d values are within four standard errors', (n) => {
    for (const error of [0.01, 0.02, 0.1]) {
      const aggregate = approximateCountDistinct<string>(itself, { error })
      const figure = aggregate.result(
        fold(
          aggregate,
          numbersTo(n).map((i) => `user-${i}`),
        ),
      )
      expect(Math.abs(figure - n) / n).toBeLessThan(4 * error)
    }
  })

  test('merged parts give the result of all values', () => {
    const aggregate = approximateCountDistinct<number>(itself)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000 }), fc.nat(1_000), (n, at) => {
        const values = numbersTo(n).map((i) => i % 700)
        expect(inParts(aggregate, values, at)).toBe(aggregate.result(fold(aggregate, values)))
      }),
      { numRuns: 30 },
    )
  })

  test('a restored backup counts as before', () => {
    const aggregate = approximateCountDistinct<number>(itself)
    for (const n of [10, 1_000]) {
      const accumulator = fold(aggregate, numbersTo(n))
      const before = aggregate.result(accumulator)
      const restore = aggregate.backup!(accumulator)
      for (let i = 0; i < 500; i++) aggregate.add(accumulator, -i)
      expect(aggregate.result(restore())).toBe(before)
    }
  })

  test('an error out of range is refused', () => {
    expect(() => approximateCountDistinct(itself as never, { error: 0.5 })).toThrow(
      'error of approximateCountDistinct is 0.5; give a number from 0.004 to 0.2',
    )
  })
})

test('countDistinct is exact, and a restored backup forgets what was added', () => {
  const aggregate = countDistinct<number>(itself)
  const accumulator = fold(aggregate, [1, 2, 2, 3])
  const restore = aggregate.backup!(accumulator)
  aggregate.add(accumulator, 4)
  expect(aggregate.result(accumulator)).toBe(4)
  expect([...restore()]).toEqual([1, 2, 3])
  expect(inParts(aggregate, [1, 2, 1, 3], 2)).toBe(3)
})

describe('quantiles', () => {
  const shares = [0, 0.25, 0.5, 0.9, 1]
  const numbers = fc.array(
    fc.oneof(fc.integer({ min: -1_000, max: 1_000_000 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
    { minLength: 1, maxLength: 200 },
  )

  test('every quantile is within the error, also of merged parts', () => {
    fc.assert(
      fc.property(numbers, fc.nat(200), fc.constantFrom(0.002, 0.01, 0.2), (values, at, error) => {
        const aggregate = quantiles<number>(itself, shares, { error })
        const sorted = values.toSorted((a, b) => a - b)
        const whole = aggregate.result(fold(aggregate, values))!
        for (const [i, share] of shares.entries()) {
          const exact = sorted[Math.floor(share * (sorted.length - 1))]!
          expect(Math.abs(whole[i]! - exact)).toBeLessThanOrEqual(
            Math.abs(exact) * error * (1 + 1e-9) + 1e-300,
          )
        }
        expect(inParts(aggregate, values, at)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  })

  test('the number of bins is bounded', () => {
    const aggregate = quantiles<number>(itself, [1], { error: 0.001 })
    const sketch = fold(
      aggregate,
      numbersTo(6_000).map((i) => 1.01 ** i),
    )
    expect(sketch.positive.size).toBeLessThanOrEqual(2_048)
    const [largest] = aggregate.result(sketch)!
    expect(Math.abs(largest! / 1.01 ** 5_999 - 1)).toBeLessThan(0.0011)
  })

  test('there are none without values, and wrong options and values are refused', () => {
    const aggregate = quantiles<number | undefined>(itself, [0.5])
    expect(aggregate.result(fold(aggregate, [undefined]))).toBeUndefined()
    expect(() => fold(aggregate, [Infinity])).toThrow('quantiles was given Infinity; it takes finite numbers')
    expect(() => quantiles<number>(itself, [99])).toThrow('quantiles was given 99; give numbers from 0 to 1')
    expect(() => quantiles<number>(itself, [])).toThrow('quantiles was given no shares')
    expect(() => quantiles<number>(itself, [1], { error: 0 })).toThrow('error of quantiles is 0')
  })
})

describe('heavyHitters', () => {
  test('counts are exact while there are few different values', () => {
    const aggregate = heavyHitters<string, string>(itself, { top: 2 })
    expect(aggregate.result(fold(aggregate, Array.from('abracadabra')))).toEqual([
      { value: 'a', count: 5, atMost: 5 },
      { value: 'b', count: 2, atMost: 2 },
    ])
  })

  test('every frequent value is found, and the bounds hold, also for merged parts', () => {
    const skewed = fc.array(
      fc.nat(400).map((i) => Math.floor(i ** 2 / 400)),
      { minLength: 1, maxLength: 300, size: 'max' },
    )
    fc.assert(
      fc.property(skewed, fc.nat(300), fc.integer({ min: 1, max: 20 }), (values, at, counters) => {
        const aggregate = heavyHitters<number, number>(itself, { top: 1_000, counters })
        const exact = new Map<number, number>()
        for (const value of values) exact.set(value, (exact.get(value) ?? 0) + 1)
        for (const sketch of [fold(aggregate, values), mergedParts(aggregate, values, at)]) {
          const found = aggregate.result(sketch)
          for (const { value, count, atMost } of found) {
            expect(count).toBeLessThanOrEqual(exact.get(value)!)
            expect(atMost).toBeGreaterThanOrEqual(exact.get(value)!)
          }
          for (const [value, n] of exact) {
            expect((sketch.counts.get(value) ?? 0) + sketch.takenOff).toBeGreaterThanOrEqual(n)
            if (n > values.length / (counters + 1)) expect(found.map((each) => each.value)).toContain(value)
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test('wrong options are refused', () => {
    expect(() => heavyHitters<string, string>(itself, { top: 0 })).toThrow(
      'top of heavyHitters is 0; give a whole number from 1',
    )
  })
})
