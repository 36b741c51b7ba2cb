import { describe, expect, test } from 'vitest'
import { redriveRate, turnsOf } from './redrive-rate.ts'

describe('the rate of a redrive', () => {
  test.each([
    ['100/s', 100, 1_000],
    ['1/s', 1, 1_000],
    ['50/m', 1, 1_200],
    ['10/h', 1, 360_000],
    ['90/m', 1, 1_000],
    ['2500/m', 41, 1_000],
  ])('%s: %i letters at a time, every %i ms', (text, size, everyMs) => {
    expect(turnsOf(redriveRate(text))).toEqual({ size, everyMs })
  })

  test.each(['', '100', '0/s', '-1/s', '1.5/s', '5/day', 'fast'])('%s is refused', (text) => {
    expect(() => redriveRate(text)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
