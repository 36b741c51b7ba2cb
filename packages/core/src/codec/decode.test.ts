import { describe, expect, test } from 'vitest'
import { decodeJson, decodeText, jsonDepthMax } from './decode.ts'
import { isMillraceError } from '../errors/errors.ts'

const encoder = new TextEncoder()
const json = (text: string): unknown => decodeJson(encoder.encode(text))

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return isMillraceError(error) ? error.code : String(error)
  }
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('decoding external bytes', () => {
  test('JSON is decoded', () => {
    expect(json('{"a":[1,"ü",null]}')).toEqual({ a: [1, 'ü', null] })
  })

  test('bytes that are not UTF-8 are rejected', () => {
    expect(codeOf(() => decodeText(new Uint8Array([0x61, 0xff])))).toBe('DECODE_FAILED')
    expect(codeOf(() => decodeJson(new Uint8Array([0x22, 0xc3, 0x22])))).toBe('DECODE_FAILED')
  })

  test('a byte order mark is kept in text', () => {
    expect(decodeText(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('\uFEFFa')
  })

  test('text that is not JSON is rejected with the reason', () => {
    expect(() => json('{"a":')).toThrow(/not JSON: /)
  })

  test('the deepest accepted value can be encoded again', () => {
    const value = json(nested(jsonDepthMax))
    expect(JSON.stringify(value)).toBe(nested(jsonDepthMax))
    expect(structuredClone(value)).toEqual(value)
  })

  test.each([jsonDepthMax + 1, 100_000])('%i levels are rejected', (levels) => {
    expect(() => json(nested(levels))).toThrow(/nested more than 512 levels/)
    expect(() => json('{"a":'.repeat(levels))).toThrow(/nested more than 512 levels/)
  })

  test('brackets inside strings do not count as levels, also after escaped quotes', () => {
    const text = `"\\"${'['.repeat(5_000)}\\\\"`
    expect(json(text)).toBe(`"${'['.repeat(5_000)}\\`)
  })

  test('closed brackets do not count', () => {
    expect(json(`[${'[],'.repeat(5_000)}0]`)).toHaveLength(5_001)
  })

  test.each(['9007199254740993', '-9007199254740993', '[1,{"id":12345678901234567890}]'])(
    '%s would be rounded and is rejected',
    (text) => {
      expect(() => json(text)).toThrow(/cannot be represented exactly/)
    },
  )

  test.each([
    ['1e999', '1e999 is'],
    ['{"a":[0,{"b c":-1E+400}]}', '-1E+400 at .a[1]["b c"] is'],
    ['{"a":{"b":1},"c":"x,{[","d":[[],[1,1e0309]]}', '1e0309 at .d[1][1] is'],
    ['{"1e999":1e999}', '1e999 at ["1e999"] is'],
    [`${'9'.repeat(309)}.5`, `${'9'.repeat(40)}… is`],
    ['9'.repeat(400), `${'9'.repeat(40)}… is`],
  ])('%s would become infinite and is rejected, with its place', (text, said) => {
    expect(() => json(text)).toThrow(expect.objectContaining({ code: 'DECODE_FAILED' }))
    expect(() => json(text)).toThrow(`${said} too large for a JavaScript number; send it as text`)
  })

  test('the place of an integer that would be rounded is named', () => {
    const text = '{"a\\"b":[{"id":1,"other":"9007199254740993"},{"id":9007199254740993}]}'
    expect(() => json(text)).toThrow(
      'the integer 9007199254740993 at ["a\\"b"][1].id cannot be represented exactly',
    )
  })

  test.each([
    '9007199254740991',
    '1152921504606846976',
    String(264694762698707712),
    '0.12345678901234567890',
    '1.5e300',
    '1.7976931348623157e308',
    '1e-999',
    '{"e999":"1e999","1e999":"e1000"}',
    '"12345678901234567890"',
    '{"12345678901234567890":"\\\\"}',
    '{"a":"\\"12345678901234567890"}',
  ])('%s is accepted', (text) => {
    expect(json(text)).toEqual(JSON.parse(text))
  })

  test('__proto__ is an ordinary name', () => {
    const value = json('{"__proto__":{"isAdmin":true}}') as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })
})
