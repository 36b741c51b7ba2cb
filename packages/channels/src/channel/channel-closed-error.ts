/** The operation that failed because the channel was closed, before or during the wait. */
export type ClosedOperation = 'send' | 'close'

/**
 * A send on a closed channel, or a second close.
 *
 * Both are bugs in the ownership of the channel: the one task that knows that no more sends follow closes it,
 * once.
 */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError'
  /** Stable: the same in every version. */
  readonly code = 'CHANNEL_CLOSED'

  constructor(operation: ClosedOperation) {
    super(
      operation === 'send'
        ? 'send on a closed channel: the value is discarded; close only after the last send has settled'
        : 'close of a closed channel: let exactly one task close it',
    )
  }
}
