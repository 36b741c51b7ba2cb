import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from './decode.ts'
import { encodeJson } from './json.ts'

describe('encodeJson', () => {
  test('any JSON value is written as by JSON.stringify and can be read again', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = encodeJson(value)
        expect(text).toBe(JSON.stringify(value))
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('undefined fields are omitted, and toJSON is used', () => {
    expect(encodeJson({ a: undefined, b: { toJSON: () => 'b' }, c: [undefined, null], d: {} })).toBe(
      '{"b":"b","c":[null,null],"d":{}}',
    )
    expect(encodeJson({ late: { toJSON: () => null }, text: 'null {}' })).toBe(
      '{"late":null,"text":"null {}"}',
    )
  })

  test.each<readonly [unknown, string]>([
    [Number.NaN, 'it is NaN, which JSON cannot hold; map it to null or text'],
    [{ ok: null, total: Infinity }, 'its field .total is Infinity, which'],
    [[null, { 'the total': [-Infinity] }], 'its field [1]["the total"][0] is -Infinity, which'],
    [{ at: { toJSON: () => ({ ms: Number.NaN }) } }, 'its field .at.ms is NaN, which'],
    [1n, 'it is a bigint, which JSON cannot hold; map it to text or a number'],
    [{ items: [{ n: 1 }, { n: 2n }] }, 'its field .items[1].n is a bigint, which'],
    [
      { seen: new Map([['a', 1]]) },
      'its field .seen is an instance of Map, which JSON cannot hold; map it to a',
    ],
    [{ seen: [new Set([1])] }, 'its field .seen[0] is an instance of Set, which'],
    [{ why: new TypeError('x') }, 'its field .why is an instance of TypeError, which'],
    [{ later: Promise.resolve(1) }, 'its field .later is an instance of Promise, which'],
    [undefined, 'it is undefined, which'],
    [() => 1, 'it is a function, which'],
  ])('%s is rejected', (value, said) => {
    expect(() => encodeJson(value)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
    expect(() => encodeJson(value)).toThrow(said)
  })

  test('a cycle is rejected, also with a bigint in it', () => {
    const value: Record<string, unknown> = { id: 1 }
    value['self'] = [value]
    expect(() => encodeJson(value)).toThrow(/circular/i)
    expect(() => encodeJson({ value, id: 1n })).toThrow(/its field .id is a bigint|circular/)
  })
})
