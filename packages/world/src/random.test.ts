import { describe, expect, test } from 'vitest'
import { upTo } from '../test/probe.ts'
import { seededRandom, systemRandom, Xoshiro128 } from './random.ts'
import type { Random } from './system.ts'

const draw = (random: Random, n: number, bound = 1_000): number[] => upTo(n).map(() => random.int(bound))

test('xoshiro128** gives the published sequence', () => {
  // From the state 1, 2, 3, 4: the vector that other implementations are tested with.
  const random = new Xoshiro128([1, 2, 3, 4], [0, 0])
  expect(upTo(10).map(() => random.bits())).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ])
})

describe('a seeded source', () => {
  test('gives the same numbers in every version', () => {
    const random = seededRandom(42)
    expect(upTo(4).map(() => random.int(2 ** 32))).toEqual([1755431962, 1604209664, 527690731, 578563692])
    expect(upTo(3).map(() => random.next())).toEqual([
      0.34863201281865974, 0.8075442210187878, 0.22331615195522503,
    ])
    expect(draw(random.fork('disk'), 4)).toEqual([299, 824, 497, 240])
  })

  test('depends on every bit of its seed', () => {
    const seeds = [0, 1, 2, -1, 1.5, 2 ** 32, 2 ** 53, 1e-300, 1e300]
    expect(new Set(seeds.map((seed) => draw(seededRandom(seed), 5).join())).size).toBe(seeds.length)
    expect(draw(seededRandom(-0), 5)).toEqual(draw(seededRandom(0), 5))
    for (const seed of [NaN, Infinity]) expect(() => seededRandom(seed)).toThrow(RangeError)
  })

  test('neighbouring seeds have unrelated first numbers', () => {
    const firsts = upTo(10_000).map((seed) => seededRandom(seed).next())
    const mean = firsts.reduce((sum, first) => sum + first) / firsts.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.015)
    const rises = firsts.filter((first, i) => first > (firsts[i - 1] ?? 1)).length
    expect(Math.abs(rises / firsts.length - 0.5)).toBeLessThan(0.03)
  })

  test('next is in [0, 1) and fills it evenly', () => {
    const random = seededRandom(3)
    const counts = upTo(10).map(() => 0)
    for (const _ of upTo(10_000)) {
      const slot = Math.floor(random.next() * 10)
      counts[slot] = counts[slot]! + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(counts.reduce((sum, count) => sum + count)).toBe(10_000)
  })

  test.each([1, 2, 3, 7, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1])(
    'int(%d) stays below its bound and reaches both halves',
    (bound) => {
      const drawn = draw(seededRandom(4), 200, bound)
      expect(drawn.every((n) => Number.isInteger(n) && n >= 0 && n < bound)).toBe(true)
      if (bound > 1) expect(new Set(drawn.map((n) => n < bound / 2)).size).toBe(2)
    },
  )

  test('int has no bias where the bound does not divide 2^32', () => {
    // With a plain remainder the lower third would come twice as often as the upper two.
    const bound = 3 * 2 ** 30
    const low = draw(seededRandom(5), 9_000, bound).filter((n) => n < 2 ** 30).length
    expect(Math.abs(low / 9_000 - 1 / 3)).toBeLessThan(0.025)
  })

  test.each([0, -1, 1.5, NaN, 2 ** 53])('int(%d) is rejected', (bound) => {
    expect(() => seededRandom(1).int(bound)).toThrow(RangeError)
    expect(() => systemRandom.int(bound)).toThrow(RangeError)
  })
})

describe('a fork', () => {
  test('depends on seed and label only, not on what was drawn', () => {
    const random = seededRandom(1)
    const before = draw(random.fork('a'), 5)
    draw(random, 100)
    expect(draw(random.fork('a'), 5)).toEqual(before)
  })

  test('does not move its source', () => {
    const [plain, forked] = [seededRandom(1), seededRandom(1)]
    draw(forked.fork('a'), 100)
    expect(draw(forked, 5)).toEqual(draw(plain, 5))
  })

  test('is independent of its source and of forks by other labels, and of theirs', () => {
    const random = seededRandom(1)
    const labels = ['', 'a', 'b', 'ab', 'ba', '\0', 'a\0', 'net', 'disk', 'é', '水']
    const sources = [random, ...labels.map((label) => random.fork(label)), random.fork('a').fork('b')]
    expect(new Set(sources.map((source) => draw(source, 5).join())).size).toBe(sources.length)
  })
})

test('the system source stays within the bounds, and its forks are the system source', () => {
  for (const n of draw(systemRandom, 1_000, 3)) expect([0, 1, 2]).toContain(n)
  expect(systemRandom.next()).toBeLessThan(1)
  expect(systemRandom.fork('a')).toBe(systemRandom)
})
