import { describe, expect, test } from 'vitest'
import { durationMs, durationText, MAX_TIME, MIN_TIME, positiveDurationMs, timeText } from './time.ts'

const refused: unknown = expect.objectContaining({ code: 'OPTION_INVALID' })

describe('durations', () => {
  test('text is a number with a unit, or several', () => {
    const durations = [
      '250ms',
      '5s',
      '1m',
      '2h',
      '1d',
      '1m30s',
      '1h0.5m',
      '1.5s',
      '0s',
      '1s1s',
      '1d2h3m4s5ms',
    ]
    expect(durations.map((text) => durationMs(text, 'size'))).toStrictEqual([
      250, 5_000, 60_000, 7_200_000, 86_400_000, 90_000, 3_630_000, 1_500, 0, 2_000, 93_784_005,
    ])
  })

  test('a time span is formatted for people, and parsed back to the same span', () => {
    const spans = [0, 1, 1.5, 999, 1_000, 60_000, 90_000, 86_400_000, 93_784_005]
    expect(spans.map(durationText)).toStrictEqual([
      '0ms',
      '1ms',
      '1.5ms',
      '999ms',
      '1s',
      '1m',
      '1m30s',
      '1d',
      '1d2h3m4s5ms',
    ])
    for (const ms of spans) expect(durationMs(durationText(ms), 'size')).toBe(ms)
    expect(durationText(-28_800_000)).toBe('-8h')
  })

  test('a number is milliseconds', () => {
    expect([0, 1.5, 2 ** 40].map((ms) => durationMs(ms, 'size'))).toStrictEqual([0, 1.5, 2 ** 40])
  })

  test('EN-013 an invalid duration is rejected with the option named', () => {
    const bad = ['', '5', 's', '-1s', '5 s', '1m-30s', '5sec', '1e3ms', '5s ', '.5s', '1,5s', '٣s']
    for (const text of [...bad, -1, NaN, Infinity, -Infinity]) {
      expect(() => durationMs(text, 'allowedLateness')).toThrow(refused)
      expect(() => durationMs(text, 'allowedLateness')).toThrow(
        /^allowedLateness is .* not a duration; (give|it has no unit)/,
      )
    }
    expect(() => durationMs('5', '--checkpoint-every')).toThrow(
      '--checkpoint-every is "5", which is not a duration; it has no unit: write 5ms, 5s or 5m',
    )
    expect(() => durationMs(NaN, 'size')).toThrow('size is NaN, which')
    expect(() => durationMs(undefined as unknown as number, 'size')).toThrow('size is undefined, which')
    expect(() => durationMs(`${'9'.repeat(400)}s`, 'size')).toThrow(refused)
  })

  test('EN-013 zero is rejected where it is invalid', () => {
    expect(positiveDurationMs('1ms', 'size')).toBe(1)
    expect(() => positiveDurationMs(0, 'size')).toThrow('size must be longer than zero')
    expect(() => positiveDurationMs('0s', 'size')).toThrow(refused)
  })
})

describe('the minimum and maximum time', () => {
  test('EN-094 arithmetic on them does not change them', () => {
    expect(MAX_TIME + 1 === MAX_TIME && MAX_TIME - 86_400_000 === MAX_TIME).toBe(true)
    expect(MIN_TIME + 1 === MIN_TIME && MIN_TIME < -Number.MAX_VALUE).toBe(true)
  })
})

test('a time is formatted as a date in UTC, also outside the calendar range', () => {
  expect([0, -1, 8.64e15, 8.64e15 + 1_000, MIN_TIME].map(timeText)).toStrictEqual([
    '1970-01-01T00:00:00.000Z',
    '1969-12-31T23:59:59.999Z',
    '+275760-09-13T00:00:00.000Z',
    '8640000000001000 ms',
    '-Infinity ms',
  ])
})
