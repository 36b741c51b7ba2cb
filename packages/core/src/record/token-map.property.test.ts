import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyToken } from './key-token.ts'
import { tokenHash } from './large-token-map.ts'
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

/** Calls on a map and on a `Map` that must agree; some maps are small from the start, others grow first. */
function agree(steps: readonly { token: KeyToken; isAdding: boolean }[], max: number): void {
  const map = new TokenMap<Entry>(max)
  const plain = new Map<KeyToken, Entry>()
  let wrongSizes = 0
  for (const [order, { token: each, isAdding }] of steps.entries()) {
    if (!isAdding) {
      map.delete(each)
      plain.delete(each)
    } else if (plain.has(each)) {
      expect(() => map.add(each, { order })).toThrow(/is new/)
      return
    } else {
      const entry = { order }
      map.add(each, entry)
      plain.set(each, entry)
    }
    if (map.size !== plain.size) wrongSizes++
  }
  expect(wrongSizes).toBe(0)
  expect(steps.filter(({ token: each }) => map.get(each) !== plain.get(each))).toEqual([])
  expect([...map.values()]).toEqual([...plain.values()])
}

describe('a token map', () => {
  test('behaves like a Map, also when it grows and shrinks', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400, size: 'max' }),
        fc.integer({ min: 1, max: 5 }),
        (steps, max) => agree(steps, max),
      ),
      { numRuns: 300 },
    )
  })

  test('behaves like a Map with thousands of entries, most of which are deleted again', () => {
    const added = Array.from({ length: 5_000 }, (_, n) => ({ token: `key-${n}`, isAdding: true }))
    const deleted = added.slice(100).map(({ token: each }) => ({ token: each, isAdding: false }))
    const again = added.slice(100, 3_000)
    for (const steps of [added, [...added, ...deleted], [...added, ...deleted, ...again]]) agree(steps, 10)
    agree([...added, ...deleted.toReversed(), ...again, ...deleted, ...again], 10)
    agree([...added, ...added.map(({ token: each }) => ({ token: each, isAdding: false })), ...again], 10)
  })

  test('may be changed during iteration: remaining entries are visited in order, each once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat({ max: 60 })),
        fc.integer({ min: 0, max: 5 }),
        (count, deleted, addedPerStep) => {
          const map = new TokenMap<Entry>(4)
          for (let order = 0; order < count; order++) map.add(`key-${order}`, { order })
          const seen: number[] = []
          let added = count
          for (const { order } of map.values()) {
            seen.push(order)
            const [gone] = deleted.splice(0, 1)
            if (gone !== undefined) map.delete(`key-${gone}`)
            for (let i = 0; i < addedPerStep; i++) {
              map.add(`new-${added}`, { order: added })
              added++
            }
            if (seen.length > 300) break
          }
          expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
          const left = [...map.values()].map(({ order }) => order).filter((order) => order < count)
          expect(seen).toEqual(expect.arrayContaining(left))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('finds tokens with the same hash', () => {
    const map = new TokenMap<Entry>(10)
    const alike = (n: number): string => `${'-'.repeat(35)}${n}${'-'.repeat(197)}`
    for (let order = 100; order < 500; order++) map.add(alike(order), { order })
    for (let order = 100; order < 500; order++) expect(map.get(alike(order))).toEqual({ order })
  })
})

test('the hashes of different tokens differ, of any kind', () => {
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
    const counts = Array.from({ length: 64 }, () => 0)
    for (let n = 0; n < 6_400; n++) counts[tokenHash(kind(n)) & 63]!++
    expect(Math.max(...counts)).toBeLessThan(200)
  }
})
