import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireScope } from '../wait/argument.ts'
import { hasMethod, misfit } from '@millrace/world'

/**
 * Returns a channel with the values of an iterable. (A channel is an async iterable itself.)
 *
 * Values are read one at a time, the next when the previous one is received. The channel closes after the
 * last one; an error of the iterable fails the scope. When the scope is cancelled the iterator is returned,
 * so that its `finally` runs: the scope waits for that, unless the iterator is in the middle of a `next` that
 * does not end.
 *
 * Values of a synchronous iterable are sent unchanged, including promises.
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

/** An iteration over a foreign iterator that an abort can end in the middle of a step. */
class Walk<T> {
  readonly #iterator: AsyncIterator<T, unknown>
  #phase: 'between steps' | 'in a step' | 'over' = 'between steps'

  constructor(iterator: AsyncIterator<T, unknown>) {
    this.#iterator = iterator
  }

  // The step is awaited through a channel, since a foreign promise cannot be cancelled.
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
    // A generator handles `return` only after its current step, which may never end.
    else if (this.#phase === 'in a step') void this.#abandon()
  }

  async #abandon(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // Its error is not reported.
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
