import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesCodec, jsonCodec, structuredCloneCodec, textCodec } from './plain-codecs.ts'
import { recordCodec } from './record-codec.ts'
import { privateMemory, type RingCodec } from './ring-codec.ts'

/** Encodes at every alignment, with ample, exact and insufficient space; returns the decoded value. */
function roundTrip<T>(codec: RingCodec<T>, value: T): T {
  const memory = privateMemory(8192)
  const from = 12
  const end = codec.encode(value, memory, from, 8192)
  const behind = (at: number): Buffer => memory.bytes.subarray(at, at + 8)
  memory.bytes.fill(0xee)
  if (end > from) {
    expect(codec.encode(value, memory, from, end - 1)).toBe(-1)
    expect(behind(end - 1)).toEqual(Buffer.alloc(8, 0xee))
  }
  expect(codec.encode(value, memory, from, end)).toBe(end)
  expect(behind(end)).toEqual(Buffer.alloc(8, 0xee))
  const decoded = codec.decode(memory, from, end)
  memory.bytes.fill(0xdd)
  return decoded
}

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }))

/** The text after a round trip through UTF-8. */
function wellFormed(value: string): string {
  return Buffer.from(value).toString()
}

describe('a decoded value equals the encoded one, and is a copy', () => {
  test('bytes', () => {
    const values = fc.oneof(
      fc.uint8Array({ maxLength: 70 }),
      fc.uint8Array({ minLength: 1000, maxLength: 1100 }),
    )
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(bytesCodec, value)).toEqual(value)
      }),
    )
  })

  test('text', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(roundTrip(textCodec, value)).toBe(wellFormed(value))
      }),
    )
  })

  test('JSON', () => {
    const codec = jsonCodec<unknown>()
    const values = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(codec, value)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('a structured clone keeps maps, bytes and bigints', () => {
    const codec = structuredCloneCodec<unknown>()
    const value = { map: new Map([[1, 'x']]), bytes: new Uint8Array([1, 2, 3]), big: 2n ** 70n }
    expect(roundTrip(codec, value)).toEqual(value)
  })

  test('records', () => {
    const codec = recordCodec({
      id: 'int32',
      price: 'float64',
      open: 'boolean',
      name: 'text',
      at: 'int64',
      '2': 'text',
    })
    const values = fc.record({
      id: fc.integer(),
      price: fc.double(),
      open: fc.boolean(),
      name: text.map(wellFormed),
      at: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      '2': text.map(wellFormed),
    })
    fc.assert(
      fc.property(values, (value) => {
        expect(roundTrip(codec, value)).toEqual(value)
      }),
    )
  })
})

describe('codecs reject', () => {
  const memory = privateMemory(64)

  test.each([
    [{ n: 1.5 }, '"n" is int32 and cannot hold 1.5'],
    [{ n: 2 ** 31 }, '"n" is int32'],
    [{ n: -0 }, '"n" is int32'],
    [{ n: '1' }, 'cannot hold a string'],
    [{}, 'cannot hold undefined'],
  ])('recordCodec rejects %j for an integer', (value, message) => {
    expect(() => recordCodec({ n: 'int32' }).encode(value as { n: number }, memory, 0, 64)).toThrow(message)
  })

  test('recordCodec rejects an empty schema and the name __proto__', () => {
    expect(() => recordCodec({})).toThrow('no fields')
    expect(() => recordCodec(JSON.parse('{ "__proto__": "text" }') as { a: 'text' })).toThrow('__proto__')
  })

  test('jsonCodec rejects values that JSON cannot represent', () => {
    expect(() => jsonCodec<unknown>().encode(undefined, memory, 0, 64)).toThrow('JSON cannot represent')
  })
})
