import { Channel } from '../channel/channel.ts'
import { EMPTY } from '../channel/channel-end.ts'
import { ReceiveOnly } from '../channel/direction.ts'

/**
 * The channel of a timer or a ticker: it holds one moment at most, and none that is out of date.
 *
 * To receivers it is unbuffered: a moment not received yet can be taken back, so it does not
 * count as sent. It is never closed.
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

  /** Sends a moment, or drops it while one waits to be taken. */
  ring(atMs: number): void {
    this.#channel.trySend(atMs)
  }

  /** Takes back the value that was not received. Returns whether there was one. */
  clear(): boolean {
    return this.#channel.tryReceive() !== EMPTY
  }
}
