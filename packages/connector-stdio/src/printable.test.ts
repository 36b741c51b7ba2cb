import { describe, expect, test } from 'vitest'
import { printableLine, printableLines } from './printable.ts'

describe('printable text for a terminal', () => {
  test('keeps printable characters', () => {
    const text = 'plain, ünïcödé, 日本, 👩‍💻, عربي, a\tb \\ "'
    expect(printableLine(text)).toBe(text)
    expect(printableLines(`${text}\n${text}`)).toBe(`${text}\n${text}`)
  })

  test.each([
    ['\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
    ['a\r\nb', 'a\\r\\nb'],
    ['\u009b31m\u007f\u0000', '\\u009b31m\\u007f\\u0000'],
    ['\u202eevil\u2066', '\\u202eevil\\u2066'],
  ])('escapes control characters: %j', (text, shown) => {
    expect(printableLine(text)).toBe(shown)
  })

  test('keeps line ends in text of several lines', () => {
    expect(printableLines('a\n\u001b[1mb\r\n')).toBe('a\n\\u001b[1mb\\r\n')
  })
})
