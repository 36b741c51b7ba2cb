import { ManualClock } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { LogLines } from './log-lines.ts'

function linesOf(isJson: boolean, write: (lines: LogLines) => void): string {
  let text = ''
  write(new LogLines({ write: (more) => (text += more) }, new ManualClock(), isJson))
  return text
}

/** The last line of an error: the page that explains it. */
const link = (code: string): string =>
  `    see https://github.com/millrace/millrace/blob/main/docs/operating/errors.md#${code}\n`

describe('the log', () => {
  test('as text has the time of day, and escapes control characters in data', () => {
    const text = linesOf(false, (lines) => {
      lines.write('info', 'started', "'fraud' runs")
      lines.write('warning', 'warning', 'record \u001b[31mred\u001b[0m\n00:00:00  forged')
    })
    expect(text.replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME')).toBe(
      "TIME  'fraud' runs\nTIME  warning: record \\u001b[31mred\\u001b[0m\n    00:00:00  forged\n",
    )
  })

  test('as JSON has one object per line, whatever the message contains', () => {
    const message = 'a\nb\u001b\u009b\u2028"'
    const text = linesOf(true, (lines) => lines.write('info', 'event', message, { n: 1 }))
    expect(text).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(text)).toEqual({ time: 0, level: 'info', event: 'event', message, n: 1 })
  })

  test('an error is printed as code and message, with the position in user code', () => {
    const cause = new TypeError('x is undefined')
    const text = linesOf(false, (lines) =>
      lines.error(new MillraceError('OPERATOR_FAILED', "operator 'parse' failed", { cause })),
    )
    expect(text).toMatch(/^OPERATOR_FAILED: operator 'parse' failed\n {4}at .*log-lines\.test\.ts/)
  })

  test('an error that Millrace throws on purpose is printed without a stack', () => {
    const error = new MillraceError('DIRECTORY_LOCKED', 'in use')
    expect(linesOf(false, (lines) => lines.error(error))).toBe(
      `DIRECTORY_LOCKED: in use\n${link('DIRECTORY_LOCKED')}`,
    )
  })

  test('a file system error is printed without a stack, since user code did not cause it', () => {
    const cause = new MillraceError('FS_DENIED', 'ro: permission denied', { cause: new Error('EACCES') })
    const error = new MillraceError('SINK_FAILED', "sink 'out' failed", { cause })
    expect(linesOf(false, (lines) => lines.error(cause))).toBe(
      `FS_DENIED: ro: permission denied\n${link('FS_DENIED')}`,
    )
    expect(linesOf(false, (lines) => lines.error(error))).toBe(
      `SINK_FAILED: sink 'out' failed\n${link('SINK_FAILED')}`,
    )
  })

  test('a thrown value that is not an Error is printed', () => {
    expect(linesOf(false, (lines) => lines.error('oops'))).toBe('INTERNAL: thrown value "oops"\n')
  })
})
