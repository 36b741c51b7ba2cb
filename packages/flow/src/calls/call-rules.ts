import { MillraceError, positiveDurationMs, requireKnown } from '@millrace/core'
import type { BreakerRules, RetryRules } from '@millrace/core/graph'
import type { AsyncOptions } from '../stream-options.ts'

/** What the options of a `mapAsync` say about calls that fail. Throws `OPTION_INVALID`. */
export function callRulesOf(
  name: string,
  { retry, breaker }: Pick<AsyncOptions, 'retry' | 'breaker'>,
): { readonly retry: RetryRules | undefined; readonly breaker: BreakerRules | undefined } {
  requireKnown(`retry of '${name}'`, retry, ['attempts', 'firstDelay', 'longestDelay', 'retryIf'])
  requireKnown(`breaker of '${name}'`, breaker, ['failures', 'openFor'])
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
  }
}

/** Returns the value. Throws `OPTION_INVALID` unless it is a whole number from 1. */
export function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${String(value)}; give a whole number from 1`)
}
