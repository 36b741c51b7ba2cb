import { describe, expect, test } from 'vitest'
import { printable } from './printable.ts'

describe('printable', () => {
  test.each([
    ['plain text and ünïcödé 👍', 'plain text and ünïcödé 👍'],
    ['\u001b[2J\u0007', '\\u001b[2J\\u0007'],
    ['\u009b31m', '\\u009b31m'],
    ['a\rb', 'a\\u000db'],
    ['\u202eevil\u200b', '\\u202eevil\\u200b'],
    ['\ud800', '\\ud800'],
    ['\u{e0041}', '\\u{e0041}'],
    ['a\tb', 'a  b'],
  ])('%j becomes %j', (text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  test('continuation lines are indented, so data cannot forge a line of the log', () => {
    expect(printable('bad record\n12:00:00  all is well\r\nend')).toBe(
      'bad record\n    12:00:00  all is well\n    end',
    )
  })
})
