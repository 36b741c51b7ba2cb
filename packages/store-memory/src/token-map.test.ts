import { describe, expect, test } from 'vitest'
import { TokenMap } from './token-map.ts'

describe('a token map that outgrows one Map', () => {
  function filled(count: number): TokenMap<{ n: number }> {
    const map = new TokenMap<{ n: number }>(3)
    for (let n = 0; n < count; n++) map.add(n, { n })
    return map
  }

  test('finds every entry and keeps the order of insertion', () => {
    const map = filled(10)
    expect(map.size).toBe(10)
    expect(Array.from({ length: 11 }, (_, n) => map.get(n)?.n)).toEqual([
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      undefined,
    ])
    expect([...map.values()].map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect([...map.entries()].map(([token]) => token)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('deletes from wherever an entry stands', () => {
    const map = filled(8)
    for (const n of [0, 1, 2, 4, 7]) map.delete(n)
    map.add(1, { n: 11 })
    expect([...map.values()].map(({ n }) => n)).toEqual([3, 5, 6, 11])
    expect(map.size).toBe(4)
  })

  test('refuses a token that is there already, in the newest part or an older one', () => {
    const map = filled(4)
    expect(() => map.add(3, { n: 0 })).toThrow(/not there yet/)
    expect(() => map.add(0, { n: 0 })).toThrow(/not there yet/)
  })

  test('ends iterations when it is cleared', () => {
    const map = filled(8)
    const values = map.values()
    values.next()
    map.clear()
    expect([...values]).toEqual([])
    expect(map.size).toBe(0)
  })
})

test('1 and "1", NaN, null, the empty text and __proto__ are tokens like any other', () => {
  const map = new TokenMap<{ at: number }>()
  const tokens = [1, '1', Number.NaN, null, '', '__proto__', 'constructor', 1n, true]
  tokens.forEach((token, at) => map.add(token, { at }))
  expect(tokens.map((token) => map.get(token)?.at)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})
