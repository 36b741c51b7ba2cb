import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecordRandom, seedWords } from './record-random.ts'

const index = fc.integer({ min: 0, max: 2 ** 45 })

function count(cells: number[], cell: number): void {
  cells[cell] = (cells[cell] ?? 0) + 1
}

describe('record randomness', () => {
  test('depends on the seed and the index only', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        index,
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (seed, i, bound) => {
          const draw = (): number[] => {
            const random = new RecordRandom(seedWords(seed, 'records'), i)
            return [random.next(), random.int(bound), random.fork('a').next(), random.int(10)]
          }
          const drawn = draw()
          expect(draw()).toEqual(drawn)
          expect(drawn[0]).toBeGreaterThanOrEqual(0)
          expect(drawn[0]).toBeLessThan(1)
          expect(drawn[1]).toBeLessThan(bound)
          expect(Number.isSafeInteger(drawn[1])).toBe(true)
        },
      ),
    )
  })

  test('neighbouring records have unrelated numbers, in every draw', () => {
    const words = seedWords(7, 'records')
    for (let draw = 0; draw < 3; draw++) {
      const cells = Array.from({ length: 100 }, () => 0)
      const pairs = Array.from({ length: 100 }, () => 0)
      let before = 0
      for (let i = 0; i < 100_000; i++) {
        const random = new RecordRandom(words, i)
        for (let skipped = 0; skipped < draw; skipped++) random.next()
        const drawn = random.next()
        count(cells, Math.floor(drawn * 100))
        count(pairs, Math.floor(drawn * 10) * 10 + Math.floor(before * 10))
        before = drawn
      }
      // Chi-squared with 99 degrees of freedom: above 160 once in ten thousand seeds.
      for (const counts of [cells, pairs]) {
        const chi2 = counts.reduce((sum, hits) => sum + (hits - 1_000) ** 2 / 1_000, 0)
        expect(chi2).toBeLessThan(160)
      }
    }
  })

  test('an invalid bound throws', () => {
    const random = new RecordRandom(seedWords(7, 'records'), 0)
    for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 53]) expect(() => random.int(bound)).toThrow(RangeError)
  })
})
