import { MillraceError, positiveDurationMs, requireKnown } from '@millrace/core'
import type { AsyncNode, BulkheadRules, RateRules } from '@millrace/core/graph'
import { breakerRulesOf, retryRulesOf, wholeNumber } from '../retry-rules.ts'
import type { AsyncOptions, KeyedBulkheadOptions, RateOptions } from '../stream-options.ts'
import { requireSynchronous } from '../synchronous.ts'

/** What the options of a `mapAsync` say about when calls begin, and about those that fail. Throws `OPTION_INVALID`. */
export function callRulesOf(
  name: string,
  options: Pick<
    AsyncOptions<never, unknown>,
    'onError' | 'retry' | 'breaker' | 'rate' | 'hedgeAfter' | 'fallback'
  >,
): Pick<AsyncNode, 'retry' | 'breaker' | 'rate' | 'hedgeMs' | 'fallback'> {
  const { onError, retry, breaker, rate, hedgeAfter, fallback } = options
  if (fallback !== undefined) requireSynchronous(fallback, 'fallback', name)
  const policy = onError?.kind === 'deadLetter' ? onError.retry : undefined
  if (breaker !== undefined && retry === undefined && policy === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `'${name}' has a breaker without retry: a record would fail before the breaker opens; add retry: {}`,
    )
  }
  return {
    retry: retry === undefined ? policy : retryRulesOf(`'${name}'`, retry),
    breaker: breaker && breakerRulesOf(`'${name}'`, breaker),
    rate: rateRulesOf('rate', name, rate),
    hedgeMs: hedgeAfter === undefined ? undefined : positiveDurationMs(hedgeAfter, `hedgeAfter of '${name}'`),
    // The interfaces give the value its type.
    fallback: fallback as AsyncNode['fallback'],
  }
}

/**
 * What `bulkhead` says about the calls of each group. Throws `OPTION_INVALID`, also for limits that have no effect.
 */
export function bulkheadRulesOf(
  name: string,
  options: KeyedBulkheadOptions<never> | undefined,
  {
    isKeyed,
    serial,
    most,
  }: { readonly isKeyed: boolean; readonly serial: 'key' | 'none'; readonly most: number },
): BulkheadRules | undefined {
  const where = `bulkhead of '${name}'`
  requireKnown(where, options, ['by', 'concurrency', 'rate'])
  if (options === undefined) return undefined
  const { by, concurrency, rate } = options
  if (by !== undefined) requireSynchronous(by, 'bulkhead', name)
  else if (!isKeyed) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${where} does not say what the group of a record is; give by, such as (order) => order.tenant`,
    )
  }
  if (concurrency === undefined && rate === undefined) {
    throw new MillraceError('OPTION_INVALID', `${where} has no limit; give concurrency, rate, or both`)
  }
  if (by === undefined && serial === 'key' && concurrency !== undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      `concurrency in ${where} has no effect, because calls of a key run one after another; add serial: 'none', or give by`,
    )
  }
  if (concurrency !== undefined && wholeNumber(concurrency, `concurrency in ${where}`) >= most) {
    throw new MillraceError(
      'OPTION_INVALID',
      `concurrency in ${where} is ${concurrency} and has no effect, because all groups together have ${most} calls at once; give less, or raise concurrency of '${name}'`,
    )
  }
  return {
    // The interfaces give the value its type.
    by: by as BulkheadRules['by'],
    concurrency: concurrency ?? Infinity,
    rate: rateRulesOf('bulkhead.rate', name, rate),
  }
}

function rateRulesOf(option: string, name: string, rate: RateOptions | undefined): RateRules | undefined {
  requireKnown(`${option} of '${name}'`, rate, ['calls', 'per'])
  return (
    rate && {
      calls: wholeNumber(rate.calls, `${option}.calls of '${name}'`),
      perMs: positiveDurationMs(rate.per ?? '1s', `${option}.per of '${name}'`),
    }
  )
}
