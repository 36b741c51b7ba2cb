import { seededRandom } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { hotKeys } from './hot-keys.ts'

function shareOfHot(keys: number, hot: number, share: number): number {
  const pick = hotKeys({ keys, hot, share })
  const random = seededRandom(11)
  let hits = 0
  for (let i = 0; i < 10_000; i++) {
    const key = pick(random)
    if (key < 0 || key >= keys) expect.unreachable(`${key} is no key`)
    if (key < hot) hits++
  }
  return hits / 10_000
}

describe('hot keys', () => {
  test('hot keys are drawn with the given share', () => {
    expect(shareOfHot(1_000, 10, 0.8)).toBeCloseTo(0.8, 1)
    expect(shareOfHot(1_000, 1, 0)).toBe(0)
    expect(shareOfHot(1_000, 999, 1)).toBe(1)
  })

  test('all keys can be hot', () => {
    expect(shareOfHot(10, 10, 0.5)).toBe(1)
  })

  test.each([
    { keys: 0, hot: 1, share: 0.5 },
    { keys: 5, hot: 6, share: 0.5 },
    { keys: 5, hot: 0, share: 0.5 },
    { keys: 5, hot: 1.5, share: 0.5 },
    { keys: 5, hot: 1, share: 1.1 },
    { keys: 5, hot: 1, share: Number.NaN },
  ])('rejects %j', (wrong) => {
    expect(() => hotKeys(wrong)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
