import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(1)
  write(out)
  return out.written().slice()
}

const failure: unknown = expect.objectContaining({ code: 'CODEC_FAILED' })

describe('writing', () => {
  test('numbers are little-endian and varints take seven bits to a byte', () => {
    expect([...written((out) => out.u32(0x0403_0201))]).toStrictEqual([1, 2, 3, 4])
    expect([...written((out) => out.float64(1))]).toStrictEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
    expect([...written((out) => out.varint(0))]).toStrictEqual([0])
    expect([...written((out) => out.varint(127))]).toStrictEqual([127])
    expect([...written((out) => out.varint(300))]).toStrictEqual([0xac, 2])
    expect([...written((out) => out.varint(2 ** 31))]).toStrictEqual([0x80, 0x80, 0x80, 0x80, 8])
    expect([...written((out) => out.varint(2 ** 53 - 1))]).toStrictEqual([
      255, 255, 255, 255, 255, 255, 255, 15,
    ])
  })

  test('text is UTF-8 after its length in bytes', () => {
    expect([...written((out) => out.text('aé'))]).toStrictEqual([3, 0x61, 0xc3, 0xa9])
    expect([...written((out) => out.text('\ud800'))]).toStrictEqual([3, 0xed, 0xa0, 0x80])
    expect(written((out) => out.text('é'.repeat(64))).length).toBe(2 + 128)
  })

  test('a longer length moves the text', () => {
    const text = 'x'.repeat(100) + '語'.repeat(20)
    const bytes = written((out) => out.text(text))
    expect(bytes.length).toBe(2 + 160)
    expect(new ByteReader(bytes).text()).toBe(text)
  })

  test('the buffer grows and keeps its content', () => {
    const out = new ByteWriter(1)
    for (let i = 0; i < 10_000; i++) out.varint(i)
    out.blob(new Uint8Array(100_000).fill(7))
    const input = new ByteReader(out.written())
    const numbers = Array.from({ length: 10_000 }, () => input.varint())
    expect(numbers).toStrictEqual(Array.from({ length: 10_000 }, (_, i) => i))
    expect(Buffer.from(input.blob()).equals(Buffer.alloc(100_000, 7))).toBe(true)
    expect(input.remaining).toBe(0)
  })

  test('a length that is known only afterwards is patched, also after growth', () => {
    const out = new ByteWriter(4)
    out.u32(0)
    out.text('some text that makes it grow')
    out.patchU32(0, out.length)
    expect(new ByteReader(out.written()).u32()).toBe(out.length)
  })

  test('reset discards the content', () => {
    const out = new ByteWriter()
    out.text('old')
    out.reset()
    out.byte(1)
    expect([...out.written()]).toStrictEqual([1])
  })
})

describe('reading', () => {
  test('a reader stays within its range of the bytes', () => {
    const bytes = Uint8Array.of(9, 1, 2, 9)
    const input = new ByteReader(bytes, 1, 3)
    expect([input.byte(), input.byte(), input.remaining]).toStrictEqual([1, 2, 0])
    expect(() => input.byte()).toThrow(failure)
  })

  test('numbers are read from bytes that are themselves part of a larger buffer', () => {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setFloat64(5, Math.PI, true)
    new DataView(bytes.buffer).setUint32(13, 0xdead_beef, true)
    const input = new ByteReader(bytes.subarray(3), 2)
    expect(input.float64()).toBe(Math.PI)
    expect(input.u32()).toBe(0xdead_beef)
  })

  test('peek and skip leave bytes unread that they do not accept', () => {
    const input = new ByteReader(Uint8Array.of(1, 2, 3))
    expect(input.peek()).toBe(1)
    expect(input.skip(Uint8Array.of(1, 3))).toBe(false)
    expect(input.skip(Uint8Array.of(1, 2, 3, 4))).toBe(false)
    expect(input.skip(Uint8Array.of(1, 2))).toBe(true)
    expect(input.byte()).toBe(3)
    expect(() => input.peek()).toThrow(failure)
  })

  test('a blob is a view: no bytes are copied', () => {
    const bytes = Uint8Array.of(2, 5, 6)
    expect(new ByteReader(bytes).blob().buffer).toBe(bytes.buffer)
  })

  test('text that begins with a byte order mark keeps it', () => {
    const bytes = written((out) => out.text('\ufeffa'))
    expect(new ByteReader(bytes).text()).toBe('\ufeffa')
  })

  test('truncated bytes are damaged', () => {
    expect(() => new ByteReader(Uint8Array.of(1, 2, 3)).u32()).toThrow(failure)
    expect(() => new ByteReader(new Uint8Array(7)).float64()).toThrow(failure)
    expect(() => new ByteReader(Uint8Array.of(0x80, 0x80)).varint()).toThrow(failure)
    expect(() => new ByteReader(Uint8Array.of(3, 1)).blob()).toThrow(failure)
    expect(() => new ByteReader(Uint8Array.of(3, 0x61)).text()).toThrow(failure)
    expect(() => new ByteReader(written((out) => out.varint(2 ** 53 - 1))).text()).toThrow(failure)
  })

  test('an endless varint is damaged', () => {
    expect(() => new ByteReader(new Uint8Array(20).fill(0xff)).varint()).toThrow(failure)
  })

  test('text that is neither UTF-8 nor WTF-8 is damaged', () => {
    for (const bad of [[0xff], [0xc3], [0x80], [0xed, 0xa0], [0xe0, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      expect(() => new ByteReader(Uint8Array.of(bad.length, ...bad)).text()).toThrow(failure)
      const long = [...Buffer.from('long enough for the decoder'), ...bad]
      expect(() => new ByteReader(Uint8Array.of(long.length, ...long)).text()).toThrow(failure)
    }
  })
})
