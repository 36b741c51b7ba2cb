import { isMillraceError, type ErrorCode, type MillraceError } from '@millrace/core'

/** Whether an error is, or was caused by, one with this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return causesOf(error).some((each) => each.code === code)
}

/** Whether an error, or one of its causes, is final. */
export function isFinal(error: unknown): boolean {
  return causesOf(error).some((each) => each.isFinal)
}

/** An error and its causes, outermost first. */
function causesOf(error: unknown): readonly MillraceError[] {
  return isMillraceError(error) ? [error, ...causesOf(error.cause)] : []
}
