import { describe, expect, test } from 'vitest'
import { mismatch, shownNumber } from './shown-number.ts'

const thin = '\u202f'

test.each([
  ['999', 999, 1],
  ['12.4 k/s', 12_400, 100],
  [`1${thin}234${thin}567 total`, 1_234_567, 1],
  ['97 %', 0.97, 0.01],
  ['1.50 MiB', 1_572_864, 10_485.76],
  ['3.20 s', 3_200, 10],
  ['4 min 10 s ago', 250_000, 1_000],
  ['took 12 ms', 12, 1],
  ['3 late, 5 failed', 3, 1],
  ['280 to read', 280, 1],
])('%s is a number with a step', (text, value, step) => {
  const shown = shownNumber(text)!
  expect(shown.value).toBeCloseTo(value, 6)
  expect(shown.step).toBeCloseTo(step, 6)
})

describe('a text', () => {
  test.each([
    ['12.4 k', 12_399],
    ['280', 280],
    ['–', null],
    ['97 %', 0.966],
  ])('%s shows %d', (text, value) => expect(mismatch(text, value)).toBeUndefined())

  test.each([
    ['12.4 k', 12_600],
    ['280', 281],
    ['0', null],
    ['–', 0],
    ['97 %', 0.95],
    ['1.50 MiB', 1_500_000],
  ])('%s does not show %d', (text, value) => expect(mismatch(text, value)).toContain(`'${text}' for`))
})
