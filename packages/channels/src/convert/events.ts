import { Channel } from '../channel/channel.ts'
import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import {
  LossyOutlet,
  Overflow,
  whenFullRules,
  type LossyChannel,
  type WhenFull,
} from '../pattern/overflow.ts'
import type { Scope } from '../task/scope.ts'
import { requireChoice, requireFlow, requireMethods, requireOptions, requireScope } from '../wait/argument.ts'
import { requireFunction } from '@millrace/world'

/** An event source: Node's EventEmitter, or anything with its methods. */
export interface Emits<Name, Args extends readonly unknown[]> {
  on(name: Name, listener: (...args: Args) => void): unknown
  off(name: Name, listener: (...args: Args) => void): unknown
}

/** Options of `fromEvents`. */
export interface EventOptions {
  /** How many events can wait for the receiver; 1 or more. */
  readonly capacity: number
  /** What to do with an event when the buffer is full: an emitter cannot wait. */
  readonly whenFull: WhenFull
  /** The event that ends the channel, such as `close` or `end`. Default: none. */
  readonly endOn?: string | symbol
}

/**
 * Returns a channel with the events of one name.
 *
 * `pick` converts the arguments of an event to the value to send; declare their types there, and the compiler
 * checks them against the emitter. The listener is added before this returns and removed when the channel has
 * closed or the scope is cancelled. An `error` event fails the scope with its argument, and so does an error
 * of `pick`.
 *
 * @throws RangeError unless `capacity` is a positive integer.
 *
 * @example
 * const jobs = fromEvents(scope, queue, 'job', (job: Job) => job, { capacity: 100, whenFull: 'dropOldest' })
 */
export function fromEvents<const Name extends string | symbol, Args extends readonly unknown[], T>(
  scope: Scope,
  emitter: Emits<NoInfer<Name>, NoInfer<Args>>,
  name: Name,
  pick: (...args: Args) => T,
  options: EventOptions,
): LossyChannel<T> {
  requireScope('fromEvents', scope)
  requireMethods('fromEvents', 'the emitter', emitter, ['on', 'off'], 'an EventEmitter')
  requireFunction('fromEvents', 'pick', pick)
  requireOptions('fromEvents', options, 'capacity, whenFull, endOn')
  const { capacity, whenFull, endOn } = options
  requireChoice('fromEvents', 'whenFull', whenFull, whenFullRules)
  const channel = new Channel<T>(capacity)
  const overflow = new Overflow(channel, whenFull)
  const over = ownChannel<Over>(1)
  const onEvent = (...args: Args): void => {
    try {
      overflow.offer(pick(...args))
    } catch (error) {
      over.trySend({ failed: true, error })
    }
  }
  const onError = (error: unknown): void => void over.trySend({ failed: true, error })
  const onEnd = (): void => void over.trySend({ failed: false })
  // An emitter has further events, which a type with one name does not express.
  const others = emitter as unknown as Emits<string | symbol, [unknown]>
  scope.go(async (signal) => {
    emitter.on(name, onEvent)
    others.on('error', onError)
    if (endOn !== undefined) others.on(endOn, onEnd)
    try {
      const { value: outcome } = await over.receive(signal)
      if (outcome!.failed) throw outcome!.error
    } finally {
      emitter.off(name, onEvent)
      others.off('error', onError)
      if (endOn !== undefined) others.off(endOn, onEnd)
    }
    channel.close()
  })
  return new LossyOutlet(channel, scope, overflow)
}

type Over = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

/** An event target: Node's EventEmitter, or anything with its methods. */
export interface Emitter {
  emit(name: string, ...args: unknown[]): unknown
}

/**
 * Emits an event for each value of a channel, and `endEvent` when the channel is drained.
 *
 * Listeners are called one value at a time and not awaited: work they start is their own. An error of a
 * listener fails the scope.
 *
 * @example
 * pipeToEmitter(scope, jobs, emitter, 'job', 'end')
 */
export function pipeToEmitter(
  scope: Scope,
  input: ReceiveChannel<unknown>,
  emitter: Emitter,
  name: string,
  endEvent?: string,
): void {
  requireFlow('pipeToEmitter', scope, input)
  requireMethods('pipeToEmitter', 'the emitter', emitter, ['emit'], 'an EventEmitter')
  scope.go(async (signal) => {
    for await (const value of input.values(signal)) emitter.emit(name, value)
    if (endEvent !== undefined) emitter.emit(endEvent)
  })
}
