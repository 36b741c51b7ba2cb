import { describe, expect, test } from 'vitest'
import type { Key } from '../record/key.ts'
import { KeyKinds, type KeyKindsOptions } from './key-kinds.ts'

/** The kinds after a start of a program with another key selector by default. */
function kindsOf(
  keys: readonly Key[],
  restored: readonly string[] = [],
  options: Partial<KeyKindsOptions> = {},
): readonly string[] {
  const kinds = new KeyKinds('op', {
    restored,
    restoredSelector: 'old',
    selector: 'new',
    hasState: () => true,
    warn: () => {},
    ...options,
  })
  for (const key of keys) kinds.see(key)
  return kinds.list()
}

describe('kinds of key of an operator', () => {
  test('each is listed once, in any mix and order', () => {
    const keys: readonly Key[] = ['a', 1, 1n, true, [1], [1, 2], {}, { b: 1, a: 2 }, Uint8Array.of(1)]
    const kinds = [
      'string',
      'number',
      'bigint',
      'boolean',
      'array of 1',
      'array of 2',
      'object {}',
      'object {a, b}',
      'bytes',
    ]
    expect(kindsOf([...keys, ...keys.toReversed(), ...keys])).toEqual(kinds)
  })

  test('null has no kind, and the order of fields does not matter', () => {
    expect(kindsOf([null, { a: 1, b: 2 }, { b: 1, a: 2 }, null])).toEqual(['object {a, b}'])
    expect(kindsOf([null], ['string'])).toEqual(['string'])
  })

  test('a first key of another kind than the restored ones is rejected, for every pair of kinds', () => {
    const keys: readonly Key[] = ['a', 1, 1n, true, [1], [1, 2], { a: 1 }, { a: 1, b: 2 }, Uint8Array.of(1)]
    for (const old of keys) {
      const restored = kindsOf([old])
      for (const key of keys) {
        if (key === old) expect(kindsOf([key], restored)).toEqual(restored)
        else {
          expect(() => kindsOf([null, key], restored)).toThrow(
            expect.objectContaining({ code: 'CHECKPOINT_INCOMPATIBLE', place: 'op' }),
          )
        }
      }
    }
  })

  test('after a key of a restored kind others are added; without state they replace the restored ones', () => {
    expect(kindsOf(['a', 1], ['string', 'bigint'])).toEqual(['string', 'bigint', 'number'])
    expect(kindsOf([1, 'a'], ['bigint'], { hasState: () => false })).toEqual(['number', 'string'])
  })

  test('with the same selector another first kind is a warning, given once', () => {
    const warnings: string[] = []
    const same = { selector: 'old', warn: (message: string) => void warnings.push(message) }
    expect(kindsOf([1, true], ['string'], same)).toEqual(['string', 'number', 'boolean'])
    expect(warnings).toEqual([
      "operator 'op': the checkpoint has keys of type string, and the first key of this program has type number. If the type has changed, no key finds its state",
    ])
    expect(kindsOf(['a', 1], ['string'], same)).toEqual(['string', 'number'])
    expect(kindsOf([1], ['string'], { ...same, hasState: () => false })).toEqual(['number'])
    expect(warnings).toHaveLength(1)
  })

  test('keys of too many kinds are not compared', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ [`field ${i}`]: i }))
    const kinds = kindsOf(many)
    expect(kinds).toHaveLength(33)
    expect(kinds).toContain('any')
    expect(kindsOf(['a'], kinds)).toContain('any')
  })
})
