import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyToken } from './key-token.ts'
import { TokenMap } from './token-map.ts'

interface Entry {
  readonly order: number
}

const token: fc.Arbitrary<KeyToken> = fc.oneof(
  fc.nat({ max: 200 }),
  fc.nat({ max: 50 }).map((n) => `key-${n}`),
  fc.nat({ max: 20 }).map((n) => BigInt(n)),
  fc.nat({ max: 50 }).map((n) => n / 7),
  fc.constantFrom<KeyToken>(1, '1', Number.NaN, null, '', '__proto__', 'constructor', true, false, -0, 'ü'),
)
const step = fc.record({ token, isAdding: fc.boolean() })

/** What a `Map` takes for one key. */
const same = (a: KeyToken): KeyToken => (Object.is(a, -0) ? 0 : a)

describe('a token map', () => {
  test('does what a Map does, however small its parts are', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400, size: 'max' }),
        fc.integer({ min: 1, max: 5 }),
        (steps, max) => {
          const map = new TokenMap<Entry>(max)
          const plain = new Map<KeyToken, Entry>()
          for (const [order, { token: each, isAdding }] of steps.entries()) {
            if (!isAdding) {
              map.delete(each)
              plain.delete(each)
            } else if (plain.has(each)) {
              expect(() => map.add(each, { order })).toThrow(/not there yet/)
              return
            } else {
              map.add(each, { order })
              plain.set(each, { order })
            }
            expect(map.size).toBe(plain.size)
          }
          for (const { token: each } of steps) expect(map.get(each)).toEqual(plain.get(each))
          expect([...map.valuesInOrder(({ order }) => order)]).toEqual([...plain.values()])
          expect(new Set([...map.values()].map(({ order }) => order))).toEqual(
            new Set([...plain.values()].map(({ order }) => order)),
          )
          expect(new Map([...map.entries()].map(([key, value]) => [same(key), value]))).toEqual(plain)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('may be changed while it is iterated over: entries that stay come in order, each once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat({ max: 60 })), (count, deleted) => {
        const map = new TokenMap<Entry>(4)
        for (let order = 0; order < count; order++) map.add(`key-${order}`, { order })
        const seen: number[] = []
        let added = count
        for (const { order } of map.valuesInOrder((entry) => entry.order)) {
          seen.push(order)
          const [gone] = deleted.splice(0, 1)
          if (gone !== undefined) map.delete(`key-${gone}`)
          // The parts are split meanwhile.
          for (let i = 0; i < 5; i++) map.add(`new-${added++}`, { order: added })
          if (seen.length > 300) break
        }
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
        const left = [...map.values()].map(({ order }) => order).filter((order) => order < count)
        expect(seen).toEqual(expect.arrayContaining(left))
      }),
    )
  })

  test('spreads tokens of any kind over its parts', () => {
    const kinds: readonly ((n: number) => KeyToken)[] = [
      (n) => n,
      (n) => n * 1_000,
      (n) => n / 3,
      (n) => BigInt(n) * 1_000n,
      (n) => `user-${String(n).padStart(8, '0')}`,
      (n) => `${1_700_000_000_000 + n};0;s`,
      (n) => `https://example.org/items/${n}/comments?sort=newest&page=1`,
    ]
    for (const kind of kinds) {
      const map = new TokenMap<Entry>(100)
      for (let order = 0; order < 10_000; order++) map.add(kind(order), { order })
      expect(map.size).toBe(10_000)
      expect(map.largestPart).toBeLessThanOrEqual(100)
    }
  })

  test('tokens that it cannot tell apart fill one part, and no memory besides', () => {
    const map = new TokenMap<Entry>(10)
    const alike = (n: number): string => `${'-'.repeat(33)}${n}${'-'.repeat(97)}`
    for (let order = 100; order < 1_000; order++) map.add(alike(order), { order })
    expect(map.size).toBe(900)
    for (let order = 100; order < 1_000; order++) expect(map.get(alike(order))).toEqual({ order })
  })
})
