import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyToken, type KeyToken } from '../record/key-token.ts'
import { parseTimerToken, timerToken } from './timer-token.ts'

const key: fc.Arbitrary<KeyToken> = fc.oneof(
  fc.string(),
  fc.constantFrom('', ';', 's', '1;0;s', '\0', keyToken([1, 'a'])),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
)
const time = fc.oneof(fc.integer(), fc.double({ noNaN: true }))
const name = fc.oneof(fc.constant(''), fc.string(), fc.constantFrom(';', '0;', 's', '3;'))
const timer = fc
  .tuple(time, name, key)
  .map(([at, called, of]) => ({ time: at + 0, name: called, key: of === 0 ? 0 : of }))

describe('timer tokens', () => {
  test('the text form is the one in checkpoints', () => {
    expect(timerToken(1_700_000_000_000, '', 'amsterdam')).toBe('1700000000000;0;samsterdam')
    expect(timerToken(-1.5, 'a;b', 7)).toBe('-1.5;3;a;bd7')
    expect(timerToken(Infinity, 'x', null)).toBe('Infinity;1;xn')
  })

  test('a timer can be read from its token', () => {
    fc.assert(
      fc.property(timer, (one) => {
        expect(parseTimerToken(timerToken(one.time, one.name, one.key))).toStrictEqual(one)
      }),
    )
  })

  test('EN-103 two timers have the same token exactly if they are equal', () => {
    fc.assert(
      fc.property(timer, timer, (a, b) => {
        const isSame = a.time === b.time && a.name === b.name && Object.is(a.key, b.key)
        expect(timerToken(a.time, a.name, a.key) === timerToken(b.time, b.name, b.key)).toBe(isSame)
      }),
      { numRuns: 1000 },
    )
  })

  test('damaged text is rejected', () => {
    for (const text of [
      '',
      '5',
      '5;0',
      '5;0;',
      '5;0;x',
      '5;9;s',
      'x;0;s',
      ';0;s',
      '5;-1;s',
      '5;0;i1.5',
      7,
      null,
    ]) {
      expect(() => parseTimerToken(text)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
    }
  })
})
