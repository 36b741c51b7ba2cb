import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { carriedHeaders, headersFrom, headersOf, withoutOwn } from '../src/headers.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function received(...pairs: readonly (readonly [name: string, value: string])[]) {
  const given = headers()
  for (const [name, value] of pairs) given.append(name, value)
  return carriedHeaders({ headers: given })
}

test('a record has the headers of its message; of several with one name the last', () => {
  expect(received(['traceparent', '00-1'], ['kind', 'a'], ['kind', 'b'])).toEqual({
    traceparent: '00-1',
    kind: 'b',
  })
  expect(received(['__proto__', 'a'])).toEqual(Object.fromEntries([['__proto__', 'a']]))
  expect(received()).toBeUndefined()
  expect(carriedHeaders({})).toBeUndefined()
  expect(headersOf(undefined)).toEqual({})
})

test('headers that NATS gives a meaning are no headers of the record, however they are written', () => {
  const own = ['Nats-Msg-Id', 'Nats-Rollup', 'nats-ttl', 'Nats-Expected-Stream', 'KV-Operation']
  expect(received(...own.map((name) => [name, 'x'] as const))).toBeUndefined()
  expect(received(['Nats-Msg-Id', 'x'], ['natsy', 'y'])).toEqual({ natsy: 'y' })
  expect(withoutOwn({ 'Nats-Rollup': 'all', trace: 't' })).toEqual({ trace: 't' })
})

test('headers are sent as text, also those that are its bytes, and several of one name', () => {
  expect(headersFrom({ a: 'b', c: bytes('ä'), d: ['1', '2'] })).toEqual([
    ['a', 'b'],
    ['c', 'ä'],
    ['d', '1'],
    ['d', '2'],
  ])
})

test.each([
  [{ id: Uint8Array.of(255) }, /the header id is bytes that are no UTF-8; give text of one line/],
  [{ id: 'a\r\nNats-Rollup: all' }, /the header id is text with a line end/],
  [{ id: 5 as never }, /the header id is number/],
  [{ 'two words': 'a' }, /a message cannot have the header "two words"/],
  [{ '': 'a' }, /a message cannot have the header ""/],
  [{ 'nats-msg-id': 'a' }, /a message cannot have the header "nats-msg-id"/],
])(
  'a header that NATS cannot send, or that the sink sets itself, is refused with its name: %o',
  (given, why) => {
    expect(() => headersFrom(given)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
    expect(() => headersFrom(given)).toThrow(why)
  },
)
