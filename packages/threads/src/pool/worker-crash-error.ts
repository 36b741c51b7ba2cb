/**
 * A worker of a pool ended unexpectedly: its module did not load, it called `process.exit`, it had an
 * uncaught error, or it ran out of memory. `cause` is the error that ended it, if any.
 *
 * The call's side effects up to then are not undone.
 */
export class WorkerCrashError extends Error {
  override readonly name = 'WorkerCrashError'
  /** Stable: the same in every version. */
  readonly code = 'WORKER_CRASHED'
  /** The number of the thread that ended. */
  readonly thread: number
  /** The argument of `process.exit`; 1 after an error. */
  readonly exitCode: number

  /** `doing` completes "ended ... while it": "ran 'hash'". */
  constructor(end: WorkerEnd, module: string, doing: string) {
    super(
      `worker thread ${end.thread} of ${module} ended ${howItEnded(end)} while it ${doing}`,
      end.error === undefined ? {} : { cause: end.error },
    )
    this.thread = end.thread
    this.exitCode = end.exitCode
  }
}

/** How a worker thread ended. */
export interface WorkerEnd {
  readonly thread: number
  readonly exitCode: number
  readonly error: unknown
}

function howItEnded({ exitCode, error }: WorkerEnd): string {
  if (error === undefined) return `with exit code ${exitCode}`
  if (!(error instanceof Error)) return 'by an uncaught value that is not an Error (see cause)'
  if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'because it ran out of memory (raise resourceLimits, or send it less work at a time)'
  }
  return `by an uncaught error (${error.message})`
}
