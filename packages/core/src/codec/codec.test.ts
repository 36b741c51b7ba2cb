import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { type Codec, nothingCodec, numberCodec, stringCodec } from './codec.ts'

function through<T>(codec: Codec<T>, value: T): { readonly back: T; readonly bytes: number } {
  const out = new ByteWriter()
  codec.encode(value, out)
  const input = new ByteReader(out.written())
  const back = codec.decode(input, codec.version)
  expect(input.remaining).toBe(0)
  return { back, bytes: out.length }
}

describe('codecs of single values', () => {
  test('every number takes eight bytes', () => {
    for (const value of [0, -0, 1.5, NaN, -Infinity, 2 ** 53]) {
      const { back, bytes } = through(numberCodec, value)
      expect([Object.is(back, value), bytes]).toStrictEqual([true, 8])
    }
  })

  test('text keeps lone surrogates', () => {
    for (const value of ['', 'a', '\ufeff', '\ud800é']) expect(through(stringCodec, value).back).toBe(value)
  })

  test('the empty codec takes no bytes', () => {
    expect(through(nothingCodec, undefined)).toStrictEqual({ back: undefined, bytes: 0 })
  })
})
