import { isMillraceError, type ErrorCode } from '@millrace/core'

/** What the command tells the shell. `docs/operating/exit-codes.md` says the same in sentences. */
export const exitCodes = {
  /** Finished, or stopped cleanly: everything read is committed. */
  done: 0,
  failed: 1,
  usage: 2,
  pipelineInvalid: 3,
  directoryLocked: 4,
  checkpointUnusable: 5,
  stopTimedOut: 6,
  /** A second Ctrl-C. */
  interrupted: 130,
  /** A second SIGTERM. */
  terminated: 143,
} as const

/** A number that the command may exit with. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  OPTION_INVALID: exitCodes.usage,
  GRAPH_INVALID: exitCodes.pipelineInvalid,
  NAME_TAKEN: exitCodes.pipelineInvalid,
  DIRECTORY_LOCKED: exitCodes.directoryLocked,
  CHECKPOINT_CORRUPT: exitCodes.checkpointUnusable,
  CHECKPOINT_INCOMPATIBLE: exitCodes.checkpointUnusable,
  STOP_TIMEOUT: exitCodes.stopTimedOut,
}

/** The exit code for an error: that of the first error in its chain of causes that has one of its own. */
export function exitCodeOf(error: unknown): ExitCode {
  for (let at = error; isMillraceError(at); at = at.cause) {
    const code = byErrorCode[at.code]
    if (code !== undefined) return code
  }
  return exitCodes.failed
}
