import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from './error-exit-code.ts'

describe('the exit code of an error', () => {
  test.each([
    ['OPTION_INVALID', 2],
    ['GRAPH_INVALID', 3],
    ['NAME_TAKEN', 3],
    ['DIRECTORY_LOCKED', 4],
    ['CHECKPOINT_CORRUPT', 5],
    ['CHECKPOINT_INCOMPATIBLE', 5],
    ['STOP_TIMEOUT', 6],
    ['CRASH_LOOP', 1],
  ] as const)('%s exits with %i', (code, expected) => {
    expect(exitCodeOf(new MillraceError(code, 'failed'))).toBe(expected)
  })

  test('an error without an exit code of its own takes the code of its cause, at any depth', () => {
    const reason = new MillraceError('CHECKPOINT_INCOMPATIBLE', 'failed')
    expect(exitCodeOf(new MillraceError('SOURCE_FAILED', 'failed', { cause: reason }))).toBe(5)
  })

  test('an error thrown by user code exits with 1', () => {
    expect(exitCodeOf(new Error('failed'))).toBe(1)
    expect(exitCodeOf('failed')).toBe(1)
  })
})
