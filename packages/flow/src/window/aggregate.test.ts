import { ByteReader, ByteWriter } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { accumulatorsOf } from './accumulators.ts'
import type { Aggregate, Aggregates } from './aggregate.ts'
import { collect } from './collect.ts'
import { count } from './count.ts'
import { max, min } from './extreme.ts'
import { mean } from './mean.ts'
import { sum, sumBigint } from './sum.ts'

/** The result for `values`, checked against merging two accumulators at every split point. */
function figure<V, A, R>(aggregate: Aggregate<V, A, R>, values: readonly V[]): R {
  const fold = (part: readonly V[]) =>
    part.reduce((acc, value) => aggregate.add(acc, value), aggregate.create())
  const figures = values.map((_, i) =>
    aggregate.result(aggregate.merge(fold(values.slice(0, i)), fold(values.slice(i)))),
  )
  const whole = aggregate.result(fold(values))
  for (const each of figures) expect(each).toEqual(whole)
  return whole
}

/** Values as they come, whatever their type. */
const itself = (value: unknown) => value as never

describe('aggregates', () => {
  test('count counts records, or records with a defined value', () => {
    expect(figure(count<number>(), [1, 2, 3])).toBe(3)
    expect(figure(count(itself), [1, undefined, null, 0])).toBe(3)
    expect(figure(count(), [])).toBe(0)
  })

  test('sum adds numbers, ignores undefined and never converts', () => {
    expect(figure(sum<number>(itself), [1, 2.5, -1])).toBe(2.5)
    expect(figure(sum(itself), [1, undefined, 2])).toBe(3)
    expect(figure(sum(itself), [])).toBe(0)
    for (const value of ['1', null, true, 1n, {}]) {
      expect(() => figure(sum(itself), [value])).toThrow(/sum was given .*must return a number/)
    }
  })

  test('NaN makes every result NaN', () => {
    const values = [1, Number.NaN, 2]
    for (const aggregate of [sum(itself), mean(itself), min(itself), max(itself)]) {
      expect(
        figure<unknown, unknown, unknown>(aggregate as Aggregate<unknown, unknown, unknown>, values),
      ).toBeNaN()
    }
  })

  test('a sum of whole numbers beyond 2^53 is an error, a sum of fractions is not', () => {
    const most = Number.MAX_SAFE_INTEGER
    expect(figure(sum(itself), [most, -1, 1])).toBe(most)
    expect(() => figure(sum(itself), [most, 1])).toThrow(/beyond 2\^53.*sumBigint/)
    expect(() => figure(sum(itself), [-most, -1])).toThrow(/beyond 2\^53/)
    // Fractions and numbers beyond the exact integers are floating-point values from the start.
    expect(figure(sum(itself), [1e300, 1e300])).toBe(2e300)
    expect(figure(sum(itself), [most, 0.5])).toBe(most + 0.5)
    expect(figure(sum(itself), [Number.POSITIVE_INFINITY, 1])).toBe(Number.POSITIVE_INFINITY)
  })

  test('a sum of bigints is exact', () => {
    expect(figure(sumBigint(itself), [2n ** 53n, 1n, undefined])).toBe(2n ** 53n + 1n)
    expect(figure(sumBigint(itself), [])).toBe(0n)
    expect(() => figure(sumBigint(itself), [1])).toThrow(/sumBigint was given a number/)
  })

  test('min and max support numbers, bigints and strings, one type at a time', () => {
    expect(figure(min(itself), [3, 1, 2])).toBe(1)
    expect(figure(max(itself), [3n, 10n])).toBe(10n)
    expect(figure(max(itself), ['b', 'a', undefined])).toBe('b')
    expect(figure(min(itself), [undefined])).toBeUndefined()
    expect(figure(max(itself), [-5, Number.NEGATIVE_INFINITY])).toBe(-5)
    expect(() => figure(max(itself), [1, 'a'])).toThrow(/max was given a string beside a number/)
    expect(() => figure(min(itself), [null])).toThrow(/min was given null/)
  })

  test('mean divides the sum by the number of defined values', () => {
    expect(figure(mean(itself), [1, undefined, 4])).toBe(2.5)
    expect(figure(mean(itself), [undefined])).toBeUndefined()
    expect(() => figure(mean(itself), ['1'])).toThrow(/mean was given a string/)
  })

  test('collect keeps every value, including undefined, and an emitted list does not grow', () => {
    const all = collect<unknown>()
    expect(figure(all, [1, undefined, null])).toEqual([1, undefined, null])
    const accumulator = all.add(all.create(), 1)
    const result = all.result(accumulator)
    all.add(accumulator, 2)
    expect(result).toEqual([1])
    expect(
      figure(
        collect((n: number) => n * 2),
        [1, 2],
      ),
    ).toEqual([2, 4])
  })
})

describe('several aggregates', () => {
  const figures = (aggregates: Aggregates<never>) =>
    accumulatorsOf(aggregates as Aggregates<unknown>, 'window')
  const roundTrip = (of: ReturnType<typeof figures>, accumulators: unknown) => {
    const out = new ByteWriter()
    of.codec.encode(accumulators, out)
    return of.codec.decode(new ByteReader(out.written()), of.codec.version)
  }

  test('accumulators survive encoding and decoding', () => {
    for (const all of [
      figures({ n: count(), all: collect(), m: mean(itself), least: min(itself), w: sumBigint(() => 1n) }),
      figures({ m: mean(itself) }),
      figures({}),
    ]) {
      const accumulators = all.add(all.first(7), 8)
      expect(roundTrip(all, accumulators)).toEqual(accumulators)
    }
  })

  test('the order of aggregates in the program does not change a checkpoint', () => {
    const n = count<never>()
    const all = collect<never>()
    expect(figures({ n, all }).codec.id).toBe(figures({ all, n }).codec.id)
    expect(figures({ n, all }).codec.id).toBe(
      'accumulators [["all","collect",1,"structured",1],["n","count",1,"structured",1]]',
    )
  })

  test('adding, removing, renaming or changing one does', () => {
    const n = count<never>()
    const ids = [{ n }, { m: n }, { n: sum<never>(itself) }, { n, m: n }].map(
      (each) => figures(each).codec.id,
    )
    expect(new Set(ids).size).toBe(4)
  })

  /** The result of `now` for accumulators that `before` wrote. */
  const converted = (before: ReturnType<typeof figures>, now: ReturnType<typeof figures>, value: unknown) => {
    const out = new ByteWriter()
    before.codec.encode(before.add(before.first(value), value), out)
    const input = new ByteReader(out.written())
    const result: Record<string, unknown> = {}
    now.results(now.codec.reader!(before.codec.id, before.codec.version)!(input), result)
    expect(input.remaining).toBe(0)
    return result
  }

  test('accumulators are read by name: new aggregates start empty, removed ones are skipped', () => {
    const n = count<never>()
    const total = sum<never>(itself)
    const all = collect<never>()
    expect(converted(figures({ n, all }), figures({ all, total, n }), 7)).toEqual({
      n: 2,
      all: [7, 7],
      total: 0,
    })
    expect(converted(figures({ all, n, total }), figures({ total }), 7)).toEqual({ total: 14 })
    expect(converted(figures({ n }), figures({ total }), 7)).toEqual({ total: 0 })
    expect(converted(figures({ n }), figures({}), 7)).toEqual({})
    expect(converted(figures({}), figures({ n }), 7)).toEqual({ n: 0 })
    // Longer than a one-byte varint.
    expect(converted(figures({ all, n }), figures({ n }), 'x'.repeat(1_000))).toEqual({ n: 2 })
  })

  test('an accumulator with the same name but another kind, version or codec is not read', () => {
    const n = count<never>()
    const written = { id: 'mine', version: 2, encode: () => {}, decode: () => 0 }
    const before = figures({ n: { ...n, codec: written } })
    const reads = (aggregate: object) =>
      figures({ n: { ...n, ...aggregate } }).codec.reader!(before.codec.id, 1) !== undefined
    expect(reads({ codec: { ...written, version: 3 } })).toBe(true)
    expect(reads({ codec: { ...written, version: 1 } })).toBe(false)
    expect(reads({ codec: { ...written, id: 'other' } })).toBe(false)
    expect(reads({ codec: written, kind: 'sum' })).toBe(false)
    expect(reads({ codec: written, version: 2 })).toBe(false)
    expect(figures({ n }).codec.reader!('structured', 1)).toBeUndefined()
  })

  test('EN-013 reserved names are rejected', () => {
    for (const name of ['key', 'window', '__proto__']) {
      const aggregates = Object.fromEntries([[name, count()]])
      expect(() => figures(aggregates)).toThrow(new RegExp(`^'window': .*'${name}'.*; choose another name$`))
    }
  })
})
