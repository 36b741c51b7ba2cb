import fc from 'fast-check'
import { expect, test } from 'vitest'
import { timeText } from './time-text.ts'

test('a time is written as ISO 8601 in UTC', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => {
      expect(timeText(ms)).toBe(new Date(ms).toISOString())
    }),
    { examples: [[0], [-1], [8.64e15], [-8.64e15], [951_782_400_000]] },
  )
})

test('what is no date stays a number', () => {
  expect([timeText(Infinity), timeText(1e300), timeText(-Infinity)]).toEqual([
    'Infinity',
    '1e+300',
    '-Infinity',
  ])
})
