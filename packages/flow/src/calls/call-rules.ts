import { MillraceError, positiveDurationMs, requireKnown } from '@millrace/core'
import type { AsyncNode } from '@millrace/core/graph'
import type { AsyncOptions } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'

/** What the options of a `mapAsync` say about when calls begin, and about those that fail. Throws `OPTION_INVALID`. */
export function callRulesOf(
  name: string,
  options: Pick<AsyncOptions<never, unknown>, 'retry' | 'breaker' | 'rate' | 'hedgeAfter' | 'fallback'>,
): Pick<AsyncNode, 'retry' | 'breaker' | 'rate' | 'hedgeMs' | 'fallback'> {
  const { retry, breaker, rate, hedgeAfter, fallback } = options
  requireKnown(`retry of '${name}'`, retry, ['attempts', 'firstDelay', 'longestDelay', 'retryIf'])
  requireKnown(`breaker of '${name}'`, breaker, ['failures', 'openFor'])
  requireKnown(`rate of '${name}'`, rate, ['calls', 'per'])
  if (fallback !== undefined) requireSynchronous(fallback, 'fallback', name)
  if (breaker !== undefined && retry === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `'${name}' has a breaker without retry: a record would fail before the breaker opens; add retry: {}`,
    )
  }
  return {
    retry: retry && {
      attempts: wholeNumber(retry.attempts ?? 5, `retry.attempts of '${name}'`),
      firstDelayMs: positiveDurationMs(retry.firstDelay ?? '100ms', `retry.firstDelay of '${name}'`),
      longestDelayMs: positiveDurationMs(retry.longestDelay ?? '30s', `retry.longestDelay of '${name}'`),
      retryIf: retry.retryIf,
    },
    breaker: breaker && {
      failures: wholeNumber(breaker.failures ?? 10, `breaker.failures of '${name}'`),
      openMs: positiveDurationMs(breaker.openFor ?? '30s', `breaker.openFor of '${name}'`),
    },
    rate: rate && {
      calls: wholeNumber(rate.calls, `rate.calls of '${name}'`),
      perMs: positiveDurationMs(rate.per ?? '1s', `rate.per of '${name}'`),
    },
    hedgeMs: hedgeAfter === undefined ? undefined : positiveDurationMs(hedgeAfter, `hedgeAfter of '${name}'`),
    // The interfaces give the value its type.
    fallback: fallback as AsyncNode['fallback'],
  }
}

/** Returns the value. Throws `OPTION_INVALID` unless it is a whole number from 1. */
export function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${String(value)}; give a whole number from 1`)
}
