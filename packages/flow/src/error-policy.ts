import type { DeadLetter } from '@millrace/core/operator'
import type { Sink } from '@millrace/core/connector'
import type { RetryRules } from '@millrace/core/graph'
import { letterLog } from './dead-letters/letter-log.ts'
import { retryRulesOf, type RetryOptions } from './retry-rules.ts'

/**
 * What to do with a record on which user code throws. Created by `fail`, `skip`, `deadLetter` and `retryThenDeadLetter`; set for one
 * operator with its option `onError`, for all others with `p.onError`.
 */
export type OnError =
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | {
      readonly kind: 'deadLetter'
      readonly name: string
      readonly sink: Sink<DeadLetter>
      /** How a record is tried again before; absent: it is not. */
      readonly retry?: RetryRules
    }

/**
 * Stops the job without committing; it restarts from its last checkpoint. This is the default.
 *
 * @example
 * p.onError(skip())
 * payments.map(parse, { onError: fail() }) // this one is stricter than the rest
 */
export function fail(): OnError {
  return { kind: 'fail' }
}

/**
 * Skips the record and counts it.
 *
 * @example
 * lines.map((line) => JSON.parse(line), { onError: skip() })
 */
export function skip(): OnError {
  return { kind: 'skip' }
}

/**
 * Sends a `DeadLetter` to `sink` and continues: the record, its place, and the error.
 *
 * Without `sink` the letters are kept in the job's data directory, exactly once, where `millrace dlq` lists them and sends
 * them through the pipeline again. `name` is the sink's name in the pipeline. Operators can share a sink by using the same policy, or policies
 * with the same name and the same sink.
 *
 * @example
 * const rejected = deadLetter('rejected', files.writeNdjson('rejected.ndjson'))
 * lines.map((line) => JSON.parse(line), { onError: rejected })
 */
export function deadLetter(name: string, sink: Sink<DeadLetter> = letterLog): OnError {
  return { kind: 'deadLetter', name, sink }
}

/**
 * Tries a record again after pauses that double, and sends a `DeadLetter` if it still fails: for what fails only at times,
 * because of something outside of the record.
 *
 * Other records continue meanwhile; later records of the same key wait for it, and event time waits too. Records that wait,
 * and their attempts, are part of checkpoints. A step must have a name for that. `mapAsync` and `lookup` use `retry` as their
 * own option of that name, unless they have one. Sources, `withTimestamps` and the steps before it make no second attempt.
 *
 * @example
 * orders.keyBy(customerOf).process('check', {
 *   onRecord: check,
 *   onError: retryThenDeadLetter('rejected', { attempts: 5, firstDelay: '1s' }),
 * })
 */
export function retryThenDeadLetter(
  name: string,
  retry: RetryOptions = {},
  sink: Sink<DeadLetter> = letterLog,
): OnError {
  return { kind: 'deadLetter', name, sink, retry: retryRulesOf(`retryThenDeadLetter '${name}'`, retry) }
}
