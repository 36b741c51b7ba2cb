import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import { keyToken, readToken, tokenKey, writeToken } from './key-token.ts'
import type { Key } from './key.ts'

const unit = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })
const name = fc.oneof(unit, fc.constantFrom('__proto__', 'constructor', 'toString', '', 'a', 'b'))
const leaf = fc.oneof(
  unit,
  fc.string().map((text) => `\0${text}`),
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 5 }),
)
const { key } = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('key'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('key')), { maxLength: 4 }).map((fields) => Object.fromEntries(fields)),
  ),
}))

/** Whether two keys are equal, without using canonical text. */
function isSame(a: Key, b: Key): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b || Object.is(a, b)
  }
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && String(a) === String(b)
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [a as Record<string, Key>, b as Record<string, Key>]
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((field) => Object.hasOwn(right, field) && isSame(left[field]!, right[field]!))
  )
}

function shuffled(value: Key): Key {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const fields = Object.entries(value as Record<string, Key>).toReversed()
  return Object.fromEntries(fields.map(([field, inner]) => [field, shuffled(inner)]))
}

describe('tokens', () => {
  test('a token converts back to an equal key, which has the same token', () => {
    fc.assert(
      fc.property(key, (value) => {
        const token = keyToken(value)
        const back = tokenKey(token)
        expect(isSame(back, value)).toBe(true)
        expect(keyToken(back)).toBe(token)
      }),
    )
  })

  test('EN-185 two keys share a token exactly if they are equal', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Object.is(keyToken(a), keyToken(b))).toBe(isSame(a, b))
      }),
      { numRuns: 2000 },
    )
  })

  test('the order of fields does not matter', () => {
    fc.assert(
      fc.property(key, (value) => {
        expect(keyToken(shuffled(value))).toBe(keyToken(value))
      }),
    )
  })

  test('a stored token can be read again, and equal tokens are equal bytes', () => {
    fc.assert(
      fc.property(key, (value) => {
        const token = keyToken(value)
        const [once, twice] = [new ByteWriter(), new ByteWriter()]
        writeToken(token, once)
        writeToken(keyToken(shuffled(value)), twice)
        expect(once.written()).toStrictEqual(twice.written())
        expect(readToken(new ByteReader(once.written()))).toBe(token)
      }),
    )
  })

  test('damaged text gives a key or CODEC_FAILED', () => {
    fc.assert(
      fc.property(key, fc.nat(), fc.nat({ max: 255 }), (value, at, code) => {
        const token = keyToken(value)
        if (typeof token !== 'string' || !token.startsWith('\0') || token.length < 2) return
        const place = 1 + (at % (token.length - 1))
        try {
          tokenKey(token.slice(0, place) + String.fromCharCode(code) + token.slice(place + 1))
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'CODEC_FAILED' })
        }
      }),
    )
  })
})
