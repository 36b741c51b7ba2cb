import { ManualClock } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { LogLines } from './log-lines.ts'

function linesOf(isJson: boolean, write: (lines: LogLines) => void): string {
  let text = ''
  write(new LogLines({ write: (more) => (text += more) }, new ManualClock(), isJson))
  return text
}

describe('the log', () => {
  test('for people has the time of day, and escapes what data may hold', () => {
    const text = linesOf(false, (lines) => {
      lines.write('info', 'started', "'fraud' runs")
      lines.write('warning', 'warning', 'record \u001b[31mred\u001b[0m\n00:00:00  forged')
    })
    expect(text.replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME')).toBe(
      "TIME  'fraud' runs\nTIME  warning: record \\u001b[31mred\\u001b[0m\n    00:00:00  forged\n",
    )
  })

  test('for programs is one JSON object per line, whatever the message holds', () => {
    const message = 'a\nb\u001b\u009b\u2028"'
    const text = linesOf(true, (lines) => lines.write('info', 'event', message, { n: 1 }))
    expect(text).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(text)).toEqual({ time: 0, level: 'info', event: 'event', message, n: 1 })
  })

  test('an error is its code and message, with the place in user code where it began', () => {
    const cause = new TypeError('x is undefined')
    const text = linesOf(false, (lines) =>
      lines.error(new MillraceError('OPERATOR_FAILED', "operator 'parse' failed", { cause })),
    )
    expect(text).toMatch(/^OPERATOR_FAILED: operator 'parse' failed\n {4}at .*log-lines\.test\.ts/)
  })

  test('an error that Millrace raises on purpose has no stack', () => {
    const error = new MillraceError('DIRECTORY_LOCKED', 'in use')
    expect(linesOf(false, (lines) => lines.error(error))).toBe('DIRECTORY_LOCKED: in use\n')
  })

  test('what the disk refuses has no stack: it was not asked by user code', () => {
    const cause = new MillraceError('FS_DENIED', 'ro: permission denied', { cause: new Error('EACCES') })
    const error = new MillraceError('SINK_FAILED', "sink 'out' failed", { cause })
    expect(linesOf(false, (lines) => lines.error(cause))).toBe('FS_DENIED: ro: permission denied\n')
    expect(linesOf(false, (lines) => lines.error(error))).toBe("SINK_FAILED: sink 'out' failed\n")
  })

  test('anything may have been thrown', () => {
    expect(linesOf(false, (lines) => lines.error('oops'))).toBe('INTERNAL: thrown value "oops"\n')
  })
})
