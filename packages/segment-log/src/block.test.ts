import { ByteWriter } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  blockAt,
  blockBytesMin,
  blockEnd,
  endBlock,
  hasBlock,
  lengthBefore,
  requireBlock,
  startBlock,
} from './block.ts'

const payloads = fc.uint8Array({ maxLength: 60 })

/** The bytes of blocks with these payloads, one behind the other. */
function blocksOf(all: readonly Uint8Array[]): Uint8Array {
  const out = new ByteWriter()
  for (const payload of all) {
    const start = startBlock(out)
    out.raw(payload)
    endBlock(out, start)
  }
  return out.written().slice()
}

describe('a sequence of blocks', () => {
  test('is the same when read from its start and from its end', () => {
    fc.assert(
      fc.property(fc.array(payloads, { maxLength: 5 }), (all) => {
        const bytes = blocksOf(all)
        const forwards: Uint8Array[] = []
        for (let at = 0; at < bytes.length;) {
          const block = blockAt(bytes, at, 'row')!
          forwards.push(block.payload)
          at = block.end
        }
        const backwards: Uint8Array[] = []
        for (let end = bytes.length; end > 0;) {
          const start = end - lengthBefore(bytes, end, 'row')!
          backwards.unshift(requireBlock(bytes, start, end, 'row').payload)
          end = start
        }
        expect(forwards).toEqual(all)
        expect(backwards).toEqual(all)
      }),
    )
  })

  test('a block written from two parts equals one written from one part', () => {
    fc.assert(
      fc.property(payloads, payloads, (first, rest) => {
        const out = new ByteWriter()
        const start = startBlock(out)
        out.raw(first)
        const { head, trailer } = endBlock(out, start, rest)
        expect([...head, ...rest, ...trailer]).toEqual([...blocksOf([Uint8Array.of(...first, ...rest)])])
      }),
    )
  })
})

describe('a damaged block', () => {
  test('with any flipped bit, or truncated, is rejected', () => {
    const whole = blocksOf([Uint8Array.of(1, 2, 3)])
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Uint8Array.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(blockAt(bytes, 0, 'file'), `bit ${bit}`).toBeUndefined()
      expect(() => requireBlock(bytes, 0, bytes.length, 'file')).toThrow(
        /^file: .* restore an older checkpoint/,
      )
    }
    for (let length = 0; length < whole.length; length++)
      expect(blockAt(whole.subarray(0, length), 0, 'file')).toBeUndefined()
  })

  test('is skipped in the search for a complete one', () => {
    const first = blocksOf([Uint8Array.of(255, 255)])
    const row = blocksOf([Uint8Array.of(255, 255), Uint8Array.of(7)])
    row[8]! ^= 1
    expect(hasBlock(row, 0)).toBe(true)
    expect(hasBlock(row.subarray(0, first.length), 0)).toBe(false)
  })

  test('with an impossible length is rejected', () => {
    const bytes = blocksOf([new Uint8Array(0)])
    expect(blockEnd(bytes, 0)).toBe(blockBytesMin)
    bytes[8] = blockBytesMin - 1
    expect(blockEnd(bytes, 0)).toBeUndefined()
    expect(() => lengthBefore(new Uint8Array(4), 4, 'file, byte 9')).toThrow(
      'file, byte 9: no block ends here',
    )
  })
})

test('a block of another version is rejected as such, and not as damage', () => {
  const out = new ByteWriter()
  const start = startBlock(out)
  out.bytes[start + 12] = 2
  endBlock(out, start)
  expect(() => blockAt(out.written(), 0, 'file')).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_INCOMPATIBLE' }),
  )
})
