import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonElements, jsonTokens } from './json-scan.ts'

describe('the elements of a JSON array', () => {
  test('are the values that JSON.parse returns', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), (values, indent) => {
        const text = JSON.stringify(values, undefined, indent)
        const parts = jsonElements(text).map(([start, end]) => JSON.parse(text.slice(start, end)) as unknown)
        expect(parts).toEqual(JSON.parse(text))
      }),
    )
  })

  test('of an empty array are none', () => {
    expect(jsonElements(' [ \n ] ')).toEqual([])
  })

  test('may be a string of a million escapes', () => {
    const long = JSON.stringify('\n'.repeat(1_000_000))
    expect(jsonElements(`[${long},1]`)).toEqual([
      [1, long.length + 1],
      [long.length + 2, long.length + 3],
    ])
  })
})

test('tokens are strings, numbers and structure; words and whitespace are skipped', () => {
  const tokens = [...jsonTokens('{"a\\"]": [-1.5e+3, true, null], "b":0}')].map(({ text }) => text)
  expect(tokens).toEqual(['{', '"a\\"]"', ':', '[', '-1.5e+3', ',', ',', ']', ',', '"b"', ':', '0', '}'])
})
