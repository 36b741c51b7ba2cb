import { describe, expect, test } from 'vitest'
import { decodeJson, JsonReader } from '@millrace/core/connector'
import { compareLines, compareReaders } from './compare-readers.ts'

const rest = Buffer.alloc(1000)
const sample = '{"id":1,"name":"ann","ok":true,"at":{"x":1.5}}'

/** Reads `text` with a reader that knows the shape of `like`; undefined if it leaves it to `parse`. */
function read(text: string | Buffer, like = sample): unknown {
  const reader = new JsonReader()
  reader.parse(like)
  const line = Buffer.from(text)
  return reader.read(Buffer.concat([line, rest]), 0, line.length)
}

describe('reading JSON records of a known shape', () => {
  test('a record of the shape is read without parsing', () => {
    const text = '{"id":-70,"name":"bob the builder of bridges","ok":null,"at":{"x":0.25}}'
    expect(read(text)).toStrictEqual(JSON.parse(text))
  })

  test.each([
    ['escapes', '{"id":1,"name":"a\\n\\u00e9","ok":true,"at":{"x":1}}'],
    ['other alphabets', '{"id":1,"name":"é😀","ok":true,"at":{"x":1}}'],
    ['another kind of value', '{"id":"one","name":[1,{"a":2}],"ok":7,"at":{"x":null}}'],
    ['exponents and long fractions', '{"id":1e3,"name":"a","ok":true,"at":{"x":0.1000000000000000055}}'],
    ['negative zero', '{"id":-0,"name":"","ok":false,"at":{"x":-0.0}}'],
  ])('%s are read as JSON.parse reads them', (_, text) => {
    expect(read(text)).toStrictEqual(JSON.parse(text))
  })

  test.each([
    ['an integer that would be rounded', '{"id":9007199254740993,"name":"a","ok":true,"at":{"x":1}}'],
    ['a number that would be infinite', '{"id":1e999,"name":"a","ok":true,"at":{"x":1}}'],
    ['a leading zero', '{"id":01,"name":"a","ok":true,"at":{"x":1}}'],
    ['a control character in a string', '{"id":1,"name":"a\u0001","ok":true,"at":{"x":1}}'],
    ['bytes that are no UTF-8', Buffer.from('{"id":1,"name":"\xff","ok":true,"at":{"x":1}}', 'latin1')],
    ['a missing field', '{"id":1,"name":"a","ok":true}'],
    ['an open string', '{"id":1,"name":"a'],
  ])('%s is left to the parser', (_, text) => {
    expect(read(text)).toBeUndefined()
  })

  test('a record may have text behind it', () => {
    const reader = new JsonReader()
    reader.parse(sample)
    const page = Buffer.concat([Buffer.from(`${sample} rest`), rest])
    expect([reader.read(page, 0, page.length), reader.end]).toStrictEqual([JSON.parse(sample), sample.length])
  })

  test('names that mean something to JavaScript are ordinary names', () => {
    const text = '{"__proto__":1,"constructor":2,"a":3}'
    const reader = new JsonReader()
    for (let n = 0; n < 3; n++)
      expect(Object.keys(reader.decode(Buffer.from(text)) as object)).toHaveLength(3)
  })

  test('nesting up to the limit is read and one level more is refused, also inside a known field', () => {
    const like = '{"a":{"b":[]}}'
    const nested = (levels: number) => `{"a":{"b":${'['.repeat(levels)}${']'.repeat(levels)}}}`
    const lines = [like, like, nested(510), nested(511), nested(505), nested(503)]
    expect(
      compareLines(
        lines.map((line) => Buffer.from(line)),
        rest,
      ).refused,
    ).toBe(1)
  })

  test('bytes that are not a buffer of Node are parsed', () => {
    const reader = new JsonReader()
    const bytes = new TextEncoder().encode(sample)
    for (let n = 0; n < 3; n++) expect(reader.decode(bytes)).toStrictEqual(decodeJson(bytes))
  })

  test('any lines are read as JSON.parse reads them, or left to it', () => {
    const { lines, read: byShape, refused } = compareReaders(7, 150, 60)
    expect(byShape).toBeGreaterThan(lines / 3)
    expect(refused).toBeGreaterThan(lines / 20)
  })

  test('records that never look alike cost no more compilations after a while', () => {
    const reader = new JsonReader()
    const page = Buffer.concat([Buffer.from('{"f9":1}\n'), rest])
    for (let n = 0; n < 200; n++) reader.parse(`{"f${n % 100}":1}`)
    expect(reader.read(page, 0, 9)).toBeUndefined()
  })
})
