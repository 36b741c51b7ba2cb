import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'

const units = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: units, maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('\ud800', '\udbff', '\udc00', '\udfff', 'a', '\ud7ff', '\ue000', '語') }),
)
const wholeNumber = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(),
  fc
    .tuple(fc.nat({ max: 53 }), fc.nat({ max: 2 }))
    .map(([bits, more]) => Math.min(2 ** bits + more - 1, 2 ** 53 - 1)),
)

const part = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), value: fc.nat({ max: 255 }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat({ max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('float64' as const), value: fc.double() }),
  fc.record({ kind: fc.constant('varint' as const), value: wholeNumber }),
  fc.record({ kind: fc.constant('text' as const), value: text }),
  fc.record({ kind: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant('sized' as const), value: fc.uint8Array({ maxLength: 300 }) }),
)
type Part = typeof part extends fc.Arbitrary<infer P> ? P : never

function write(out: ByteWriter, { kind, value }: Part): void {
  if (kind === 'text') out.text(value)
  else if (kind === 'blob') out.blob(value)
  else if (kind === 'sized') {
    const start = out.beginSized()
    out.raw(value)
    out.endSized(start)
  } else out[kind](value)
}

/** The method that reads a part. */
function readerOf({ kind }: Pick<Part, 'kind'>): Exclude<Part['kind'], 'sized'> {
  return kind === 'sized' ? 'blob' : kind
}

describe('bytes', () => {
  test('written values can be read again, in any order and with any capacity', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), fc.nat({ max: 64 }), (parts, capacity) => {
        const out = new ByteWriter(capacity)
        for (const one of parts) write(out, one)
        const input = new ByteReader(out.written())
        for (const { kind, value } of parts) {
          expect(input[readerOf({ kind })]()).toStrictEqual(value)
        }
        expect(input.remaining).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test('well-formed text is written as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (value) => {
        const out = new ByteWriter()
        out.text(value)
        expect(new ByteReader(out.written()).blob()).toStrictEqual(new TextEncoder().encode(value))
      }),
    )
  })

  test('truncated bytes are damaged, wherever they end', () => {
    fc.assert(
      fc.property(part, fc.nat(), (one, at) => {
        const out = new ByteWriter()
        write(out, one)
        const input = new ByteReader(out.written().slice(0, at % out.length))
        expect(() => input[readerOf(one)]()).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
      }),
    )
  })
})
