import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import type { Scope } from '../task/scope.ts'
import { requireChoice, requireFlow, requireOptions } from '../wait/argument.ts'
import { LossyOutlet, Overflow, whenFullRules, type LossyChannel, type WhenFull } from './overflow.ts'

/** Options of `buffer`. */
export interface BufferOptions {
  /** How many values can wait for the receiver. */
  readonly capacity: number
  /** What to do with a value when the buffer is full: wait, or as `WhenFull` says. */
  readonly whenFull: 'wait' | WhenFull
}

/**
 * Lets a sender run ahead of a slow receiver by `capacity` values, with a rule for overflow.
 *
 * With any rule except `wait` the input is never blocked. Use one after each output of `broadcast` that must
 * not slow down the others. `dropped` is the number of dropped values.
 *
 * The rules are those of Clojure's core.async buffers: fixed, sliding, dropping.
 *
 * @throws RangeError unless `capacity` is a positive integer; with `wait` it may be 0.
 *
 * @example
 * const latest = buffer(scope, prices, { capacity: 1, whenFull: 'dropOldest' })
 */
export function buffer<T>(scope: Scope, input: ReceiveChannel<T>, options: BufferOptions): LossyChannel<T> {
  requireFlow('buffer', scope, input)
  requireOptions('buffer', options, 'capacity, whenFull')
  const { capacity, whenFull } = options
  requireChoice('buffer', 'whenFull', whenFull, ['wait', ...whenFullRules])
  const channel = new Channel<T>(capacity)
  const overflow = whenFull === 'wait' ? undefined : new Overflow(channel, whenFull)
  scope.go(async (signal) => {
    for await (const value of input.values(signal)) {
      if (overflow === undefined) await channel.send(value, signal)
      else overflow.offer(value)
    }
    channel.close()
  })
  return new LossyOutlet(channel, scope, overflow)
}
