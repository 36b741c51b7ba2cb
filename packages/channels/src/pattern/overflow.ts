import type { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { Outlet } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'

/** What to do with a value when there is no space: replace the oldest, drop it, or fail. */
export type WhenFull = 'dropOldest' | 'dropNewest' | 'fail'

/** What `WhenFull` may be. */
export const whenFullRules: readonly WhenFull[] = ['dropOldest', 'dropNewest', 'fail']

/** A channel that may have dropped values, with their number. */
export interface LossyChannel<out T> extends ReceiveChannel<T> {
  /** Number of values dropped so far because there was no space. */
  readonly dropped: number
}

/**
 * Values arrived faster than they were received, and the rule was to fail. The value without space is lost.
 */
export class OverflowError extends Error {
  override readonly name = 'OverflowError'
  /** Stable: the same in every version. */
  readonly code = 'CHANNEL_OVERFLOW'

  constructor(capacity: number) {
    super(
      `the channel is full with ${capacity} values; receive faster, raise the capacity, or choose what to drop`,
    )
  }
}

/**
 * The input side of a channel for a sender that cannot wait.
 *
 * Each value is sent, or counted in `dropped`, or rejected by throwing: none is lost silently.
 */
export class Overflow<T> {
  readonly channel: Channel<T>
  readonly #whenFull: WhenFull
  #dropped = 0

  /** @throws RangeError when the channel has no buffer, so no value could be kept for a receiver. */
  constructor(channel: Channel<T>, whenFull: WhenFull) {
    if (channel.capacity === 0)
      throw new RangeError('a channel that may overflow: capacity is 0; pass 1 or more')
    this.channel = channel
    this.#whenFull = whenFull
  }

  /** How many values were dropped. */
  get dropped(): number {
    return this.#dropped
  }

  /** @throws OverflowError when there is no space and the rule is to fail. */
  offer(value: T): void {
    if (this.channel.trySend(value)) return
    if (this.#whenFull === 'fail') throw new OverflowError(this.channel.capacity)
    this.#dropped++
    if (this.#whenFull === 'dropNewest') return
    this.channel.tryReceive()
    this.channel.trySend(value)
  }
}

/** An outlet with the number of values dropped before it. */
export class LossyOutlet<T> extends Outlet<T> implements LossyChannel<T> {
  readonly #overflow: Overflow<T> | undefined

  /** Without an overflow no value is ever dropped. */
  constructor(channel: Channel<T>, scope: Scope, overflow: Overflow<T> | undefined) {
    super(channel, scope)
    this.#overflow = overflow
  }

  get dropped(): number {
    return this.#overflow?.dropped ?? 0
  }
}
