/**
 * A context was cancelled.
 *
 * `name` is the platform's word for it, so that code which tells an abort from a failure by its name needs no
 * change. `cause` is what the caller of `cancel` gave, if anything.
 */
export class ContextCancelledError extends Error {
  override readonly name = 'AbortError'
  /** Stable: the same in every version. */
  readonly code = 'CONTEXT_CANCELLED'

  constructor(cause?: unknown) {
    super(
      'the context was cancelled; its cause says why, if a reason was given',
      cause === undefined || cause === null ? undefined : { cause },
    )
  }
}

/** The deadline of a context has passed. `name` is the platform's word for a timeout. */
export class DeadlineExceededError extends Error {
  override readonly name = 'TimeoutError'
  /** Stable: the same in every version. */
  readonly code = 'DEADLINE_EXCEEDED'

  /** `delayMs` is how much time the context was given, where that is known. */
  constructor(cause?: unknown, delayMs?: number) {
    const when = delayMs === undefined ? '' : `, ${delayMs} ms after it was made`
    super(
      `the deadline of the context has passed${when}; give it more time, or do less`,
      cause === undefined || cause === null ? undefined : { cause },
    )
  }
}
