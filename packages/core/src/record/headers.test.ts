import { expect, test } from 'vitest'
import { carriedHeaders, headersWithout, headerValue, noHeaders, type RecordHeaders } from './headers.ts'

class Trace {
  traceparent = '00-1'
}

test.each<readonly [unknown, string]>([
  [new Map([['traceparent', '00-1']]), 'they are an instance of Map'],
  [['00-1'], 'they are an instance of Array'],
  [new Trace(), 'they are an instance of Trace'],
  ['00-1', 'they are a string'],
  [{ attempt: 1 }, '"attempt" is a number'],
])(
  'headers that a checkpoint or a sink could not keep are refused where they are set: %s',
  (given, problem) => {
    expect(() => carriedHeaders(given as RecordHeaders)).toThrow(`the headers cannot be carried: ${problem}`)
  },
)

test('a plain object of text and bytes is carried as it is, and an empty one is none', () => {
  const headers = { traceparent: '00-1', key: Uint8Array.of(1) }
  expect(carriedHeaders(headers)).toBe(headers)
  const bare = Object.assign(Object.create(null) as RecordHeaders, headers)
  expect(carriedHeaders(bare)).toBe(bare)
  for (const none of [undefined, {}, noHeaders]) expect(carriedHeaders(none)).toBeUndefined()
})

test('bytes are text where they are UTF-8, and otherwise a copy that does not change with its source', () => {
  const bytes = Uint8Array.of(0x61, 0xff)
  const value = headerValue(bytes)
  bytes[0] = 0
  expect([headerValue(Uint8Array.of(0x61)), value]).toEqual(['a', Uint8Array.of(0x61, 0xff)])
})

test('headers without those of a system are the same object where they have none of it', () => {
  const headers = { Own: '1', trace: '2' }
  expect(headersWithout(headers, /^own$/i)).toEqual({ trace: '2' })
  expect(headersWithout(headers, /^other$/)).toBe(headers)
})
