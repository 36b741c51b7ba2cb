/**
 * A context was cancelled.
 *
 * `name` is the platform's name for an abort, so code that distinguishes aborts from failures by name needs
 * no change. `cause` is the argument of `cancel`, if any.
 */
export class ContextCancelledError extends Error {
  override readonly name = 'AbortError'
  /** Stable: the same in every version. */
  readonly code = 'CONTEXT_CANCELLED'

  constructor(cause?: unknown) {
    super(
      'the context was cancelled; see its cause, if one was given',
      cause === undefined || cause === null ? undefined : { cause },
    )
  }
}

/** The deadline of a context has passed. `name` is the platform's name for a timeout. */
export class DeadlineExceededError extends Error {
  override readonly name = 'TimeoutError'
  /** Stable: the same in every version. */
  readonly code = 'DEADLINE_EXCEEDED'

  /** `delayMs` is the duration of the context, if known. */
  constructor(cause?: unknown, delayMs?: number) {
    const when = delayMs === undefined ? '' : `, ${delayMs} ms after it was created`
    super(
      `the deadline of the context has passed${when}; increase the timeout, or do less work`,
      cause === undefined || cause === null ? undefined : { cause },
    )
  }
}
