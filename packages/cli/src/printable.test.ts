import { describe, expect, test } from 'vitest'
import { printable } from './printable.ts'

describe('printable', () => {
  test('each line is printable, with tabs as two spaces', () => {
    expect(printable('\u001b[2J\u0007 ünïcödé 👍\ta\rb')).toBe('\\u001b[2J\\u0007 ünïcödé 👍  a\\rb')
  })

  test('continuation lines are indented, so data cannot forge a line of the log', () => {
    expect(printable('bad record\n12:00:00  all is well\r\nend')).toBe(
      'bad record\n    12:00:00  all is well\n    end',
    )
  })
})
