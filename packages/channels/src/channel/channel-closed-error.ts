/** What the caller tried to do to a channel that was closed, or that closed while it waited. */
export type ClosedOperation = 'send' | 'close'

/**
 * A send met a closed channel, or a channel was closed twice.
 *
 * Both are mistakes in who owns the closing: the one task that knows of no further sends closes, once.
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
