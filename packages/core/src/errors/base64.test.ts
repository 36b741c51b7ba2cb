import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toBase64 } from './base64.ts'

describe('base64', () => {
  test('the vectors of RFC 4648', () => {
    const texts = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => toBase64(Buffer.from(text)))
    expect(texts).toStrictEqual(['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'])
  })

  test("any bytes give Node's text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      }),
    )
  })

  test('a megabyte is no trouble', () => {
    const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31)
    expect(toBase64(bytes) === Buffer.from(bytes).toString('base64')).toBe(true)
  })
})
