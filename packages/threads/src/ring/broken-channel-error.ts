/**
 * A worker thread died during a send or a receive, which broke the channel.
 *
 * After the death of a sender, values that were sent completely are still received before this is thrown; a
 * half-written value is never received. After the death of a receiver, values may be lost.
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
