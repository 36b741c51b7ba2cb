import { isMillraceError, type ErrorCode } from '@millrace/core'
import { exitCodes, type ExitCode } from './exit-codes.ts'

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  OPTION_INVALID: exitCodes.usage,
  PACKAGE_MISSING: exitCodes.usage,
  GRAPH_INVALID: exitCodes.pipelineInvalid,
  NAME_TAKEN: exitCodes.pipelineInvalid,
  ASYNC_FUNCTION: exitCodes.pipelineInvalid,
  DIRECTORY_LOCKED: exitCodes.directoryLocked,
  CHECKPOINT_CORRUPT: exitCodes.checkpointUnusable,
  CHECKPOINT_INCOMPATIBLE: exitCodes.checkpointUnusable,
  STOP_TIMEOUT: exitCodes.stopTimedOut,
}

/** Returns the exit code for an error: that of the first error in its chain of causes that has one. */
export function exitCodeOf(error: unknown): ExitCode {
  for (let at = error; isMillraceError(at); at = at.cause) {
    const code = byErrorCode[at.code]
    if (code !== undefined) return code
  }
  return exitCodes.failed
}
