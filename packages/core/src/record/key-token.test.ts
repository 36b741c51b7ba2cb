import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import { isMillraceError } from '../errors/errors.ts'
import { keyToken, readToken, tokenKey, writeToken, type KeyToken } from './key-token.ts'
import type { Key } from './key.ts'

function throughBytes(token: KeyToken): KeyToken {
  const out = new ByteWriter(1)
  writeToken(token, out)
  const input = new ByteReader(out.written().slice())
  const back = readToken(input)
  expect(input.remaining).toBe(0)
  return back
}

function refusal(key: unknown): string {
  try {
    keyToken(key as Key)
  } catch (thrown) {
    expect(isMillraceError(thrown, 'KEY_INVALID')).toBe(true)
    return (thrown as Error).message
  }
  throw new Error('no refusal')
}

// oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
const date = (time: number): Date => new Date(time)

describe('tokens', () => {
  test('primitives are their own tokens', () => {
    for (const key of ['', 'a', '\ud800', '__proto__', 0, -1.5, 1e300, Infinity, 7n, true, false, null]) {
      expect(keyToken(key)).toBe(key)
      expect(tokenKey(key)).toBe(key)
    }
  })

  test('EN-185 -0 is the key 0 and NaN equals itself', () => {
    expect(Object.is(keyToken(-0), 0)).toBe(true)
    expect(keyToken([-0])).toBe(keyToken([0]))
    const seen = new Map<KeyToken, string>([[keyToken(NaN), 'nan']])
    expect(seen.get(keyToken(NaN))).toBe('nan')
    expect(keyToken([NaN])).toBe(keyToken([NaN]))
  })

  test('EN-185 keys of different types or names never share a token', () => {
    const keys: Key[] = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      '',
      [],
      {},
      [[]],
      [1],
      ['1'],
      [1n],
      [null],
      [''],
      ['', ''],
      [1, 2],
      [12],
      { a: 1 },
      { a: '1' },
      { b: 1 },
      { a: { b: 1 } },
      [{ a: 1 }],
      '[1]',
      '\0',
      '\0\0',
      '\0n',
      '\0[d1;]',
      '\0s1:a',
      NaN,
      'NaN',
      Infinity,
      -Infinity,
      '__proto__',
      'constructor',
      'toString',
      JSON.parse('{"__proto__":1}') as Key,
      { constructor: 1 },
      new Uint8Array(0),
      Uint8Array.of(0),
      Uint8Array.of(0xff),
      Uint8Array.of(0xfe),
      'ÿ',
    ]
    expect(new Set(keys.map(keyToken)).size).toBe(keys.length)
    for (const key of keys) expect(tokenKey(keyToken(key))).toStrictEqual(key)
  })

  test('EN-186 bytes and the string they decode to are two keys', () => {
    const [a, b] = [Uint8Array.of(0xff), Uint8Array.of(0xfe)]
    const decoder = new TextDecoder()
    expect(decoder.decode(a)).toBe(decoder.decode(b))
    expect(keyToken(a)).not.toBe(keyToken(b))
    expect(tokenKey(keyToken(a))).toStrictEqual(a)
  })

  test('the order of fields does not matter and fields sort by code unit', () => {
    expect(keyToken({ b: 1, a: 2 })).toBe(keyToken({ a: 2, b: 1 }))
    // U+1F600 begins with the unit d83d, which comes before ff5e though its code point comes after.
    expect(keyToken({ '～': 1, '😀': 2, a: 3 })).toBe('\0{s1:ad3;s2:😀d2;s1:～d1;}')
  })

  test('the canonical text of a composite key is what checkpoints contain', () => {
    const key = { raw: Uint8Array.of(0, 65), at: [1, -2.5, 3n], of: 'a:b', is: [null, true, false], s: '' }
    expect(keyToken(key)).toBe('\0{s2:at[d1;d-2.5;i3;]s2:is[ntf]s2:ofs3:a:bs3:rawb2:\0As1:ss0:}')
  })

  test('only own enumerable fields count', () => {
    const key: Record<string, Key> = { a: 1 }
    Object.defineProperty(key, 'hidden', { value: 2, enumerable: false })
    expect(keyToken(key)).toBe(keyToken({ a: 1 }))
    expect(keyToken(Object.assign(Object.create(null), { a: 1 }) as Key)).toBe(keyToken({ a: 1 }))
  })

  test('a field named __proto__ is data and is preserved', () => {
    const key = JSON.parse('{"__proto__":{"admin":true},"a":1}') as Key
    const back = tokenKey(keyToken(key)) as Record<string, unknown>
    expect(Object.keys(back)).toStrictEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(back['admin']).toBeUndefined()
  })

  test('a Buffer is the same key as its bytes', () => {
    expect(keyToken(Buffer.from('ab'))).toBe(keyToken(Uint8Array.of(97, 98)))
  })
})

describe('invalid keys', () => {
  test('the message names the place, the value and the advice', () => {
    expect(refusal(undefined)).toBe('a key is undefined; key such records by null, or filter them out before')
    expect(refusal({ a: { 'b c': [0, undefined] } })).toBe(
      'a key\'s value at .a["b c"][1] is undefined; key such records by null, or filter them out before',
    )
    expect(refusal([date(0)])).toBe(
      "a key's value at [0] is an instance of Date; key by its getTime() or toISOString()",
    )
    expect(refusal(() => 1)).toContain('a key is a function; key by text, numbers')
    expect(refusal(Symbol('s'))).toContain('a key is a symbol; ')
    expect(refusal(new Map())).toContain('a key is an instance of Map; ')
    expect(refusal(new (class Order {})())).toContain('a key is an instance of Order; ')
    expect(refusal(new (class {})())).toContain('a key is an instance of a class; ')
    expect(refusal(new Float64Array(1))).toContain('a key is an instance of Float64Array; ')
  })

  test('a hole in an array is not a value', () => {
    // oxlint-disable-next-line no-sparse-arrays -- the hole is what is tested
    expect(refusal([1, , 2])).toContain("a key's value at [1] is undefined")
  })

  test('a cyclic key is rejected', () => {
    const key: unknown[] = [1]
    key.push({ self: key })
    expect(refusal(key)).toContain('contains itself, at [1].self[1].self')
  })

  test('deep nesting is an error and not a stack overflow', () => {
    let key: Key = 'deep'
    for (let i = 0; i < 64; i++) key = [key]
    expect(tokenKey(keyToken(key))).toStrictEqual(key)
    expect(refusal([key])).toContain('nests more than 64 levels deep')
    for (let i = 0; i < 100_000; i++) key = [key]
    expect(refusal(key)).toContain('nests more than 64 levels deep')
  })
})

describe('stored tokens', () => {
  test('every kind is preserved, to the bit', () => {
    const tokens: KeyToken[] = [null, true, false, 0, 1, -1, 127, 128, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53, 0.1]
    tokens.push(NaN, Infinity, -Infinity, 5e-324, 0n, -1n, 2n ** 100n, -(2n ** 100n), '', 'a', 'é', '😀')
    tokens.push('\ud800', 'a\udfff\ud800b', '\ufeffbom', '\0', keyToken(['\ud800']), 'x'.repeat(1000))
    for (const token of tokens) expect(throughBytes(token)).toBe(token)
  })

  test('damaged bytes and damaged text are rejected', () => {
    const read = (...bytes: number[]) => readToken(new ByteReader(Uint8Array.from(bytes)))
    for (const bytes of [[], [8], [3], [5, 1], [6, 2, 0x31, 0x78], [7, 1, 0xff]]) {
      expect(() => read(...bytes)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
    }
    for (const text of [
      '\0x',
      '\0[',
      '\0[n',
      '\0d1',
      '\0s3:ab',
      '\0s-1:',
      '\0s:ab',
      '\0i1.5;',
      '\0{n}',
      '\0nn',
    ]) {
      expect(() => tokenKey(text)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
    }
    expect(() => tokenKey('\0' + '['.repeat(100_000))).toThrow(/damaged/)
  })
})
