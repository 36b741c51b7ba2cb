import { expect, test } from 'vitest'
import { carriedHeaders, noHeaders, type RecordHeaders } from './headers.ts'

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
