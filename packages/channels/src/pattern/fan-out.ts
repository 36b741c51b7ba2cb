import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { select } from '../channel/select.ts'
import { Outlet } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { misfit, requireFunction } from '@millrace/world'
import type { Random } from '@millrace/world'
import { requireChoice, requireFlow, requirePositive } from '../wait/argument.ts'

/** Options of `fanOut`. */
export interface FanOutOptions {
  /**
   * Which output gets the next value: each in turn, or the first free one. Default: `inTurn`.
   *
   * `inTurn` gives each output the same number of values, and waits for the next output in turn. `firstFree`
   * waits only while all are busy.
   */
  readonly order?: 'inTurn' | 'firstFree'
  /** Chooses among outputs that are free together. Default: `systemRandom`. */
  readonly random?: Random
}

/**
 * Distributes one channel over `count` channels: each value goes to exactly one of them.
 *
 * All outputs close when the input is drained. Competing workers need no fan-out: let them receive from the
 * one channel, or use `workerPool`.
 *
 * @throws RangeError unless `count` is a positive integer.
 *
 * @example
 * const [left, right] = fanOut(scope, jobs, 2)
 */
export function fanOut<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  count: number,
  { order = 'inTurn', random }: FanOutOptions = {},
): ReceiveChannel<T>[] {
  requireChoice('fanOut', 'order', order, ['inTurn', 'firstFree'])
  let turn = 0
  return distribute('fanOut', scope, input, count, async (outputs, value, signal) => {
    if (order === 'firstFree') {
      const cases = Object.fromEntries(outputs.map((output, index) => [`${index}`, output.sendCase(value)]))
      await select(cases, { signal, random })
    } else {
      await outputs[turn]!.send(value, signal)
      turn = (turn + 1) % count
    }
  })
}

/**
 * Copies one channel to `count` channels: each value goes to every one of them.
 *
 * The next value is received when all outputs have delivered this one, so the slowest sets the pace. To let
 * an output fall behind or lose values instead, put a `buffer` after it. The values are the same objects in
 * every output, not copies. All outputs close when the input is drained.
 *
 * @throws RangeError unless `count` is a positive integer.
 *
 * @example
 * const [log, screen] = broadcast(scope, events, 2)
 */
export function broadcast<T>(scope: Scope, input: ReceiveChannel<T>, count: number): ReceiveChannel<T>[] {
  return distribute('broadcast', scope, input, count, async (outputs, value, signal) => {
    await Promise.all(outputs.map((output) => output.send(value, signal)))
  })
}

/**
 * Copies one channel to two: `broadcast` to two, as a pair.
 *
 * @example
 * const [toDisk, toScreen] = tee(scope, lines)
 */
export function tee<T>(scope: Scope, input: ReceiveChannel<T>): [ReceiveChannel<T>, ReceiveChannel<T>] {
  const [first, second] = broadcast(scope, input, 2)
  return [first!, second!]
}

/** The keys of `partition`. A number and its string form are different keys. */
export type PartitionKey = string | number | bigint | boolean

/**
 * Partitions one channel into `count` channels: all values of one key go to the same output, in order.
 *
 * The output of a key depends on the key and `count` only, not on earlier values. A full output blocks all
 * others: values wait in order.
 *
 * @throws RangeError unless `count` is a positive integer.
 *
 * @example
 * const shards = partition(scope, payments, 4, (payment) => payment.card)
 */
export function partition<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  count: number,
  keyOf: (value: T) => PartitionKey,
): ReceiveChannel<T>[] {
  requireFunction('partition', 'keyOf', keyOf)
  return distribute('partition', scope, input, count, (outputs, value, signal) =>
    outputs[hashOf(keyOf(value)) % count]!.send(value, signal),
  )
}

// FNV-1a (Fowler, Noll, Vo) over UTF-16 units, and a final mixing step because its low bits alone are weak.
function hashOf(key: PartitionKey): number {
  if (typeof key === 'object' || typeof key === 'symbol' || typeof key === 'function') {
    throw misfit('partition', 'the key of a value', key, 'a string, number, bigint or boolean')
  }
  const text = `${typeof key} ${key}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** One task that sends each value of the input to some of `count` new outputs. */
function distribute<T>(
  pattern: string,
  scope: Scope,
  input: ReceiveChannel<T>,
  count: number,
  handOver: (outputs: readonly Channel<T>[], value: T, signal: AbortSignal) => Promise<unknown>,
): ReceiveChannel<T>[] {
  requireFlow(pattern, scope, input)
  requirePositive(pattern, 'count', count)
  const outputs = Array.from({ length: count }, () => new Channel<T>())
  scope.go(async (signal) => {
    for await (const value of input.values(signal)) await handOver(outputs, value, signal)
    for (const output of outputs) output.close()
  })
  return outputs.map((output) => new Outlet(output, scope))
}
