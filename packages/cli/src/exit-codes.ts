/** The exit codes of the command. `docs/operating/exit-codes.md` describes them. */
export const exitCodes = {
  /** Finished, or stopped gracefully: everything that was read is committed. */
  done: 0,
  failed: 1,
  usage: 2,
  pipelineInvalid: 3,
  directoryLocked: 4,
  checkpointUnusable: 5,
  stopTimedOut: 6,
  /** A second SIGHUP. */
  hungUp: 129,
  /** A second Ctrl-C. */
  interrupted: 130,
  /** A second SIGTERM. */
  terminated: 143,
} as const

/** An exit code of the command. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
