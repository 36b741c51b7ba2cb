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

/** Something that calls listeners: Node's EventEmitter, or anything of its shape. */
export interface Emits<Name, Args extends readonly unknown[]> {
  on(name: Name, listener: (...args: Args) => void): unknown
  off(name: Name, listener: (...args: Args) => void): unknown
}

/** Options of `fromEvents`. */
export interface EventOptions {
  /** How many events wait for the receiver at most; 1 or more. */
  readonly capacity: number
  /** What becomes of an event that finds no room: an emitter cannot wait. */
  readonly whenFull: WhenFull
  /** The event after which nothing more comes, such as `close` or `end`. Default: none. */
  readonly endOn?: string | symbol
}

/**
 * The events of one name as a channel.
 *
 * `pick` turns the arguments of an event into the value to send; declare their types there, and the compiler
 * holds them against the emitter. The listener is on before this returns and off when the channel has closed or
 * the scope is cancelled. An `error` event fails the scope with its argument, as does what `pick` throws.
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
  // An emitter has further events, which a type with one name does not show.
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

/** Something that is told of events: Node's EventEmitter, or anything of its shape. */
export interface Emitter {
  emit(name: string, ...args: unknown[]): unknown
}

/**
 * Emits an event for each value of a channel, and `endEvent` when the channel is drained.
 *
 * Listeners are called one value at a time and are not waited for: what they start is theirs. What they throw
 * fails the scope.
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
