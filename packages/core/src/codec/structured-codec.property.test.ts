import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { structuredCodec, structuredFault } from './structured-codec.ts'

const codec = structuredCodec<unknown>()

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('a', 'é', '\ud800', '\udfff', '\0'), fc.constantFrom('😀', '語', '~')),
})
const name = fc.oneof(anyText, fc.constantFrom('id', 'amount', '__proto__', 'constructor', '0', '-1'))
const value = fc.anything({
  key: name,
  values: [
    anyText,
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom<unknown>(undefined, null, -0, NaN),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 8 }),
    fc.sparseArray(fc.integer(), { maxLength: 20, maxNumElements: 3 }),
  ],
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  maxDepth: 4,
})

function encoded(of: unknown): Uint8Array {
  const out = new ByteWriter()
  codec.encode(of, out)
  return out.written().slice()
}

// Values are compared by their text: test equality would mistake a field `constructor` for a class.
describe('the structured codec', () => {
  test('any supported value can be read again', () => {
    fc.assert(
      fc.property(value, (before) => {
        const input = new ByteReader(encoded(before))
        expect(fc.stringify(codec.decode(input, 1))).toBe(fc.stringify(before))
        expect(input.remaining).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })

  test('a value that was read is written as the same bytes', () => {
    fc.assert(
      fc.property(value, (before) => {
        const bytes = encoded(before)
        expect(encoded(codec.decode(new ByteReader(bytes), 1))).toStrictEqual(bytes)
      }),
    )
  })

  test('consecutive values do not overlap', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        const out = new ByteWriter()
        for (const one of values) codec.encode(one, out)
        const input = new ByteReader(out.written())
        expect(fc.stringify(values.map(() => codec.decode(input, 1)))).toBe(fc.stringify(values))
      }),
    )
  })

  test('damaged bytes give a value or CODEC_FAILED', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (before, at, byte, isCut) => {
        let bytes = encoded(before)
        if (isCut) bytes = bytes.slice(0, at % bytes.length)
        else bytes[at % bytes.length] = byte
        try {
          codec.decode(new ByteReader(bytes), 1)
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'CODEC_FAILED' })
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('faultIn finds exactly the unsupported values, without writing anything', () => {
    class Money {
      readonly cents = 1
    }
    const strange = fc.constantFrom<unknown>(new Money(), () => 1, Symbol('s'), new Float64Array(1), /x/)
    const mixed = fc.anything({
      key: name,
      values: [fc.integer(), anyText, fc.date(), fc.uint8Array({ maxLength: 2 }), strange],
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      maxDepth: 3,
    })
    fc.assert(
      fc.property(fc.oneof(value, mixed), (candidate) => {
        let refused: unknown
        try {
          encoded(candidate)
        } catch (error) {
          refused = error
        }
        expect(structuredFault(candidate) === undefined).toBe(refused === undefined)
      }),
      { numRuns: 1000 },
    )
  })
})
