import type { Channel } from '../channel/channel.ts'
import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { feed, type Feeder } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireFlow, requirePositive } from '../wait/argument.ts'
import { hasMethod, misfit, requireFunction } from '@millrace/world'

/**
 * A stage of a pipeline: a task that reads one channel, and an output with the values it yields.
 *
 * `transform` iterates over the input and yields any number of values. Stages are connected by passing the
 * output of one to the next. When `transform` returns, the output closes, even with input left.
 *
 * The shape is that of "Go Concurrency Patterns: Pipelines and cancellation" (Sameer Ajmani, 2014).
 *
 * @example
 * const squares = stage(scope, numbers, async function* (values) {
 *   for await (const n of values) yield n * n
 * })
 */
export function stage<A, B>(
  scope: Scope,
  input: ReceiveChannel<A>,
  transform: (values: AsyncIterable<A>, signal: AbortSignal) => AsyncIterable<B>,
): ReceiveChannel<B> {
  requireFlow('stage', scope, input)
  requireFunction('stage', 'transform', transform)
  return feed<B>(scope, [
    async (out, signal) => {
      const values: unknown = transform(input.values(signal), signal)
      if (!hasMethod(values, Symbol.asyncIterator) && !hasMethod(values, Symbol.iterator)) {
        throw misfit(
          'stage',
          'the result of transform',
          values,
          'an async generator: async function* (values) { ... }',
        )
      }
      for await (const value of values as AsyncIterable<B>) await out.send(value, signal)
    },
  ])
}

/**
 * Runs `count` workers that compete for the values of one channel; results are sent as they are ready.
 *
 * Each worker handles one value at a time and receives the next when its result is received. For results in
 * the order of the input use `parallelMap`.
 *
 * @throws RangeError unless `count` is a positive integer.
 *
 * @example
 * for await (const page of workerPool(scope, urls, 8, (url, signal) => load(url, signal))) index(page)
 */
export function workerPool<A, B>(
  scope: Scope,
  input: ReceiveChannel<A>,
  count: number,
  work: (value: A, signal: AbortSignal) => B | Promise<B>,
): ReceiveChannel<B> {
  requireFlow('workerPool', scope, input)
  requirePositive('workerPool', 'count', count)
  requireFunction('workerPool', 'work', work)
  const worker: Feeder<B> = async (out, signal) => {
    for await (const value of input.values(signal)) await out.send(await work(value, signal), signal)
  }
  return feed(
    scope,
    Array.from({ length: count }, () => worker),
  )
}

/**
 * Maps up to `limit` values concurrently; results are in the order of the input.
 *
 * A value is received when one of the `limit` places is free, and its place is free when its result is
 * received: a slow value holds back the results after it, and never more than `limit` are running or waiting.
 *
 * @throws RangeError unless `limit` is a positive integer.
 *
 * @example
 * const bodies = parallelMap(scope, urls, 4, (url, signal) => load(url, signal))
 */
export function parallelMap<A, B>(
  scope: Scope,
  input: ReceiveChannel<A>,
  limit: number,
  map: (value: A, signal: AbortSignal) => B | Promise<B>,
): ReceiveChannel<B> {
  requireFlow('parallelMap', scope, input)
  requirePositive('parallelMap', 'limit', limit)
  requireFunction('parallelMap', 'map', map)
  // The places in the order of the input. One more is held by the task that passes on the results.
  const places = ownChannel<Channel<B>>(limit - 1)
  scope.go(async (signal) => {
    for (;;) {
      // The place is acquired before the value: a value that cannot be started stays with the sender.
      const place = ownChannel<B>(1)
      await places.send(place, signal)
      const next = await input.receive(signal)
      if (!next.ok) {
        place.close()
        return
      }
      scope.go(async () => void place.trySend(await map(next.value, signal)))
    }
  })
  return feed<B>(scope, [
    async (out, signal) => {
      for await (const place of places.values(signal)) {
        const result = await place.receive(signal)
        if (!result.ok) return
        await out.send(result.value, signal)
      }
    },
  ])
}
