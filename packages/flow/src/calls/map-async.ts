import { requireChoice } from '../operators/choice.ts'
import { positiveDurationMs, requireKnown, type RecordHeaders } from '@millrace/core'
import type { AsyncFunction, AsyncNode, Input } from '@millrace/core/graph'
import type { KeyedAsyncOptions } from '../stream-options.ts'
import { wholeNumber } from '../retry-rules.ts'
import { bulkheadRulesOf, callRulesOf } from './call-rules.ts'

/** The options of every operator that makes calls. */
export const callOptions: readonly string[] = [
  'onError',
  'concurrency',
  'timeout',
  'order',
  'serial',
  'retry',
  'breaker',
  'fallback',
]

/** The node of an operator that makes a call for each record. Throws `OPTION_INVALID`. */
export function callsNode(
  name: string,
  input: Input,
  apply: AsyncFunction,
  options: KeyedAsyncOptions<never, unknown>,
): Omit<AsyncNode, 'id' | 'name' | 'onError'> {
  const isKeyed = input.exchange.kind === 'key'
  const { concurrency = 16, timeout, order = isKeyed ? 'key' : 'input' } = options
  const { serial = isKeyed ? 'key' : 'none' } = options
  requireChoice(`order of '${name}'`, order, isKeyed ? ['key', 'input', 'none'] : ['input', 'none'])
  requireChoice(`serial of '${name}'`, serial, isKeyed ? ['key', 'none'] : ['none'])
  wholeNumber(concurrency, `concurrency of '${name}'`)
  const timeoutMs = timeout === undefined ? undefined : positiveDurationMs(timeout, `timeout of '${name}'`)
  return {
    kind: 'async',
    inputs: [input],
    apply,
    concurrency,
    serial,
    order,
    timeoutMs,
    ...callRulesOf(name, options),
    bulkhead: bulkheadRulesOf(name, options.bulkhead, { isKeyed, serial, most: concurrency }),
  }
}

/** The node of `mapAsync`. Throws `OPTION_INVALID`. */
export function mapAsyncNode(
  name: string,
  input: Input,
  call: (value: unknown, signal: AbortSignal, headers: RecordHeaders) => Promise<unknown>,
  options: KeyedAsyncOptions<never, unknown>,
): Omit<AsyncNode, 'id' | 'name' | 'onError'> {
  requireKnown(`mapAsync '${name}'`, options, [...callOptions, 'rate', 'bulkhead', 'hedgeAfter'])
  return callsNode(name, input, (value, signal, _scope, headers) => call(value, signal, headers), options)
}
