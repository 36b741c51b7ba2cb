import { Channel } from '../channel/channel.ts'
import { EMPTY } from '../channel/channel-end.ts'
import { ReceiveOnly } from '../channel/direction.ts'

/**
 * The channel of a timer or a ticker: it contains at most one time, and never an outdated one.
 *
 * To receivers it is unbuffered: a time not received yet can be discarded, so it does not count as sent. It is never
 * closed.
 */
export class TimeChannel extends ReceiveOnly<number> {
  readonly #channel: Channel<number>

  constructor() {
    const channel = new Channel<number>(1)
    super(channel)
    this.#channel = channel
  }

  override get length(): number {
    return 0
  }

  override get capacity(): number {
    return 0
  }

  /** Sends a time, or drops it while another waits to be received. */
  ring(atMs: number): void {
    this.#channel.trySend(atMs)
  }

  /** Discards the value that was not received. Returns whether there was one. */
  clear(): boolean {
    return this.#channel.tryReceive() !== EMPTY
  }
}
