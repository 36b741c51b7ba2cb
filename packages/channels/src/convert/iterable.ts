import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireScope } from '../wait/argument.ts'
import { hasMethod, misfit } from '@millrace/world'

/**
 * The values of an iterable as a channel. The other way round, a channel is an async iterable itself.
 *
 * One value is asked for at a time, and the next when that one is taken. The channel closes after the last one;
 * what the iterable throws fails the scope. When the scope is cancelled the iterator is returned, so that its
 * `finally` runs: the scope waits for that, unless the iterator is in the middle of a `next` that does not end.
 *
 * Values of an iterable that is not asynchronous are sent as they are, promises too.
 *
 * @example
 * const numbers = fromIterable(scope, [1, 2, 3])
 */
export function fromIterable<T>(scope: Scope, source: AsyncIterable<T> | Iterable<T>): ReceiveChannel<T> {
  requireScope('fromIterable', scope)
  const isAsync = hasMethod(source, Symbol.asyncIterator)
  if (!isAsync && !hasMethod(source, Symbol.iterator)) {
    throw misfit(
      'fromIterable',
      'the source',
      source,
      'an iterable, such as an array or what a generator returns',
    )
  }
  return feed<T>(scope, [
    async (out, signal) => {
      if (!isAsync) {
        for (const value of source as Iterable<T>) await out.send(value, signal)
        return
      }
      const walk = new Walk((source as AsyncIterable<T>)[Symbol.asyncIterator]())
      try {
        for (let next = await walk.next(signal); !next.done; next = await walk.next(signal)) {
          await out.send(next.value, signal)
        }
      } finally {
        await walk.leave()
      }
    },
  ])
}

type Outcome<T> =
  | { readonly failed: false; readonly result: IteratorResult<T, unknown> }
  | { readonly failed: true; readonly error: unknown }

/** A walk over a foreign iterator that an abort can end in the middle of a step. */
class Walk<T> {
  readonly #iterator: AsyncIterator<T, unknown>
  #phase: 'between steps' | 'in a step' | 'over' = 'between steps'

  constructor(iterator: AsyncIterator<T, unknown>) {
    this.#iterator = iterator
  }

  // The step is waited for on a channel: a promise of somebody else's could not be left.
  async next(signal: AbortSignal): Promise<IteratorResult<T, unknown>> {
    const step = ownChannel<Outcome<T>>(1)
    this.#phase = 'in a step'
    void this.#step().then((outcome) => step.trySend(outcome))
    const { value: outcome } = await step.receive(signal)
    if (outcome!.failed) {
      this.#phase = 'over'
      throw outcome!.error
    }
    this.#phase = outcome!.result.done === true ? 'over' : 'between steps'
    return outcome!.result
  }

  async leave(): Promise<void> {
    if (this.#phase === 'between steps') await this.#iterator.return?.()
    // A generator answers `return` after its present step, which may never end.
    else if (this.#phase === 'in a step') void this.#abandon()
  }

  async #abandon(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // Nobody is left to hear it.
    }
  }

  async #step(): Promise<Outcome<T>> {
    try {
      return { failed: false, result: await this.#iterator.next() }
    } catch (error) {
      return { failed: true, error }
    }
  }
}
