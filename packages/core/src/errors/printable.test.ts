import { describe, expect, test } from 'vitest'
import { printableLine } from './printable.ts'

describe('printable text on one line', () => {
  test('keeps printable characters', () => {
    const text = 'plain, ünïcödé, 日本, 👩‍💻, عربي, a\tb \\ "'
    expect(printableLine(text)).toBe(text)
  })

  test.each([
    ['\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
    ['a\r\nb', 'a\\r\\nb'],
    ['\u009b31m\u007f\u0000', '\\u009b31m\\u007f\\u0000'],
    ['\u202eevil\u2066', '\\u202eevil\\u2066'],
    ['hidden\u200b\ufeff\u{e0041}', 'hidden\\u200b\\ufeff\\u{e0041}'],
    ['line\u2028end \ud800', 'line\\u2028end \\ud800'],
  ])('escapes control characters: %j', (text, shown) => {
    expect(printableLine(text)).toBe(shown)
  })
})
