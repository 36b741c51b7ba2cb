import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineSplitter, type Line } from './line-splitter.ts'

const encoder = new TextEncoder()

/** The lines of text that is pushed in pieces, taking all complete lines after each piece. */
function split(
  pieces: readonly (string | Uint8Array)[],
  lineBytesMax = 1_000,
): (readonly [string, number, number, boolean])[] {
  const splitter = new LineSplitter(lineBytesMax)
  const lines: Line[] = []
  const drain = (): void => {
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) lines.push(line)
  }
  for (const piece of pieces) {
    splitter.push(typeof piece === 'string' ? encoder.encode(piece) : piece)
    drain()
  }
  splitter.end()
  drain()
  expect(splitter.waitingBytes).toBe(0)
  return lines.map(({ bytes, number, offset, isCut }) => [
    new TextDecoder().decode(bytes),
    number,
    offset,
    isCut,
  ])
}

describe('line splitter', () => {
  test('splits at each line feed, and records the place of each line', () => {
    expect(split(['a\nbc\n\nd\n'])).toEqual([
      ['a', 1, 0, false],
      ['bc', 2, 2, false],
      ['', 3, 5, false],
      ['d', 4, 6, false],
    ])
  })

  test('a last line without a line feed counts, unless it is empty', () => {
    expect(split(['a\nb']).map(([text]) => text)).toEqual(['a', 'b'])
    expect(split(['a\n']).map(([text]) => text)).toEqual(['a'])
    expect(split([])).toEqual([])
  })

  test('a line that is too long is truncated, its rest skipped, and the next line is complete', () => {
    expect(split(['12345\n123456\n1'], 5)).toEqual([
      ['12345', 1, 0, false],
      ['12345', 2, 6, true],
      ['1', 3, 13, false],
    ])
    expect(split(['1234567890'], 5)).toEqual([['12345', 1, 0, true]])
  })

  test('a line that is too long is returned before its end arrives, and its rest is not buffered', () => {
    const splitter = new LineSplitter(5)
    splitter.push(encoder.encode('123456'))
    expect(splitter.next()?.isCut).toBe(true)
    for (let i = 0; i < 3; i++) splitter.push(encoder.encode('7'.repeat(1_000)))
    expect(splitter.next()).toBeUndefined()
    expect(splitter.waitingBytes).toBe(0)
  })

  test('the lines do not depend on how the input is divided into chunks', () => {
    const text = fc.string({ unit: fc.constantFrom('\n', 'a', 'ü', '\r', '😀', '\n'), maxLength: 60 })
    fc.assert(
      fc.property(text, fc.array(fc.nat(99)), fc.integer({ min: 1, max: 8 }), (whole, cuts, lineBytesMax) => {
        const bytes = encoder.encode(whole)
        const bounds = [...cuts, bytes.length].toSorted((a, b) => a - b)
        const pieces = bounds.map((end, i) => bytes.subarray(bounds[i - 1] ?? 0, end))
        expect(split(pieces, lineBytesMax)).toEqual(split([whole], lineBytesMax))
        const expected = whole.split('\n')
        if (expected.at(-1) === '') expected.pop()
        expect(split(pieces).map(([line]) => line)).toEqual(expected)
      }),
    )
  })
})
