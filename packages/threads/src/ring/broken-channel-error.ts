/**
 * A worker thread died in the middle of a send or a receive, and took the channel with it.
 *
 * After the death of a sender, what had been sent completely is still received before this is thrown; what it left
 * half written is never seen. After the death of a receiver, values may have been lost with it.
 */
export class ChannelBrokenError extends Error {
  override readonly name = 'ChannelBrokenError'
  /** Stable: the same in every version. */
  readonly code = 'CHANNEL_BROKEN'
  /** The number of the thread that died. */
  readonly thread: number

  constructor(thread: number, operation: 'send' | 'receive') {
    super(
      `thread ${thread} died in the middle of a ${operation}, so this channel can no longer be trusted; ` +
        'make a new one and send again what was not processed',
    )
    this.thread = thread
  }
}
