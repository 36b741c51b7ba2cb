import type { Format } from '@millrace/core/connector'
import { expect, test } from 'vitest'
import { httpDate, retryAfterMs } from '../src/client/http-date.ts'
import { sendPlanOf, type SendOptions } from '../src/send/send-options.ts'
import { url } from './sending.ts'

const bytes: Format<unknown> = {
  name: 'odd',
  contentType: 'application/odd',
  decode: (body) => body,
  encode: (value) => Uint8Array.of(255, Number(value)),
}

test.each([
  [{ url: 'hooks.example' }, /the url is not an address/],
  [{ url: 'ftp://user:secret@hooks.example' }, /the url is not an address/],
  [{ url, headers: { 'content-length': '3' } }, /set by the connector/],
  [{ url, headers: { 'x-a': 'b\r\nx-c: d' } }, /x-a is not text of one line/],
  [{ url, method: 'GET' as never }, /method is GET/],
  [{ url, concurrency: 0 }, /concurrency is 0/],
  [{ url, batch: { records: 1.5 } }, /batch.records is 1.5/],
  [{ url, format: bytes, batch: { records: 2 } }, /batch and format exclude one another/],
  [{ url, format: bytes, contentType: 'a/b' }, /contentType and format exclude one another/],
  [{ url, retires: 1 } as never, /has no option retires/],
] satisfies [SendOptions<unknown>, RegExp][])(
  'options that cannot be meant are refused: %j',
  (options, message) => {
    expect(() => sendPlanOf(options)).toThrow(message)
  },
)

test('a Retry-After is seconds or a date', () => {
  expect(httpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(784_111_777_000)
  expect(httpDate('Thu, 29 Feb 2024 23:59:59 GMT')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59))
  expect(httpDate('tomorrow')).toBeUndefined()
  expect(retryAfterMs('Sun, 06 Nov 1994 08:49:37 GMT', 784_111_770_000)).toBe(7_000)
  expect(retryAfterMs('Sun, 06 Nov 1994 08:49:37 GMT', 784_111_779_000)).toBe(0)
  expect(retryAfterMs('-5', 0)).toBe(0)
})
