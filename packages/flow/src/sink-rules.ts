import { MillraceError, requireKnown } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import type { SinkNode } from '@millrace/core/graph'
import { breakerRulesOf, retryRulesOf } from './retry-rules.ts'
import type { SinkOptions } from './stream-options.ts'

/**
 * What the options of `to` say about a sink whose system is down. Throws `OPTION_INVALID`, also for options that have no
 * effect on this sink.
 */
export function sinkRulesOf(
  name: string,
  sink: Pick<Sink<unknown>, 'kind' | 'reconnects'>,
  options: SinkOptions,
): Pick<SinkNode, 'retry' | 'breaker'> {
  requireKnown(`to '${name}'`, options, ['onError', 'retry', 'breaker'])
  const { retry, breaker } = options
  const where = `'${name}'`
  const defaults = { attempts: Infinity, longestDelay: '5s' } as const
  // Without `retryIf` only UNAVAILABLE is repeated.
  const rules = {
    retry: retry && retryRulesOf(where, retry, defaults),
    breaker: breaker && breakerRulesOf(where, { openFor: '5s', ...breaker }, 5),
  }
  if (sink.reconnects === true && retry?.retryIf === undefined) requireNeither(where, sink.kind, options)
  return rules
}

function requireNeither(where: string, kind: string, options: SinkOptions): void {
  for (const option of ['retry', 'breaker'] as const) {
    if (options[option] === undefined) continue
    throw new MillraceError(
      'OPTION_INVALID',
      `${option} of ${where} has no effect: a sink of the kind '${kind}' waits by itself while its system is down, and reconnects. Leave ${option} out, or set retry.retryIf for other errors of the sink`,
    )
  }
}
