import { MillraceError, positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import type { BreakerRules, RetryRules } from '@millrace/core/graph'

/** When what has failed is tried again: a call of `mapAsync`, a record at an operator, a call of a sink. */
export interface RetryOptions {
  /** How many attempts there are in all, the first one included. Default 5; for sinks `Infinity`. */
  readonly attempts?: number
  /** The pause after the first failure. It doubles with each one, and half of it is random. Default `'100ms'`. */
  readonly firstDelay?: Duration
  /** The longest pause. Default `'30s'`; for sinks `'5s'`. */
  readonly longestDelay?: Duration
  /** No attempt begins later than this after the first failure. Default: no limit. */
  readonly budget?: Duration
  /** Whether an attempt that failed with this error may succeed later. Default: any. */
  readonly retryIf?: (error: unknown) => boolean
}

/** When calls are not made for a while. */
export interface BreakerOptions {
  /** So many failures in a row open the breaker. Default 10. */
  readonly failures?: number
  /** How long no call is made. Then one is: if it succeeds all are, else none for as long again. Default `'30s'`. */
  readonly openFor?: Duration
}

/** Applies the defaults of `retry`. `where` is the part, for messages: `'charge'`. Throws `OPTION_INVALID`. */
export function retryRulesOf(
  where: string,
  options: RetryOptions,
  defaults: Pick<RetryOptions, 'attempts' | 'longestDelay'> = {},
): RetryRules {
  requireKnown(`retry of ${where}`, options, [...retryOptions])
  const { attempts = defaults.attempts ?? 5, firstDelay = '100ms', budget, retryIf } = options
  const { longestDelay = defaults.longestDelay ?? '30s' } = options
  return {
    attempts: attempts === Infinity ? attempts : wholeNumber(attempts, `retry.attempts of ${where}`),
    firstDelayMs: positiveDurationMs(firstDelay, `retry.firstDelay of ${where}`),
    longestDelayMs: positiveDurationMs(longestDelay, `retry.longestDelay of ${where}`),
    ...(budget === undefined ? {} : { budgetMs: positiveDurationMs(budget, `retry.budget of ${where}`) }),
    retryIf,
  }
}

const retryOptions: readonly string[] = [
  'attempts',
  'firstDelay',
  'longestDelay',
  'budget',
  'retryIf',
] as const

/** Applies the defaults of `breaker`. Throws `OPTION_INVALID`. */
export function breakerRulesOf(where: string, options: BreakerOptions, failures = 10): BreakerRules {
  requireKnown(`breaker of ${where}`, options, ['failures', 'openFor'])
  return {
    failures: wholeNumber(options.failures ?? failures, `breaker.failures of ${where}`),
    openMs: positiveDurationMs(options.openFor ?? '30s', `breaker.openFor of ${where}`),
  }
}

/** Returns the value. Throws `OPTION_INVALID` unless it is a whole number from 1. */
export function wholeNumber(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new MillraceError('OPTION_INVALID', `${option} is ${String(value)}; give a whole number from 1`)
}
