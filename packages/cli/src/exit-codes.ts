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
  /** A second SIGHUP. */
  hungUp: 129,
  /** A second Ctrl-C. */
  interrupted: 130,
  /** A second SIGTERM. */
  terminated: 143,
} as const

/** A number that the command may exit with. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
