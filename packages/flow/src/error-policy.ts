import type { DeadLetter, Sink } from '@millrace/core'

/**
 * What happens to a record on which user code throws. Made by `fail`, `skip` and `deadLetter`; set for one
 * operator by its option `onError`, for all others by `p.onError`.
 */
export type OnError =
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'deadLetter'; readonly name: string; readonly sink: Sink<DeadLetter> }

/**
 * Stops the job without committing; it restarts from its last checkpoint. What happens unless told otherwise.
 *
 * @example
 * p.onError(skip())
 * payments.map(parse, { onError: fail() }) // this one is stricter than the rest
 */
export function fail(): OnError {
  return { kind: 'fail' }
}

/**
 * Leaves the record out and counts it as skipped.
 *
 * @example
 * lines.map((line) => JSON.parse(line), { onError: skip() })
 */
export function skip(): OnError {
  return { kind: 'skip' }
}

/**
 * Sends a `DeadLetter` to `sink` and goes on: the record, where it came from, and what was thrown.
 *
 * `name` is the sink's name in the pipeline. Operators that share a sink share the policy or repeat it with
 * the same name and the same sink.
 *
 * @example
 * const rejected = deadLetter('rejected', files.writeNdjson('rejected.ndjson'))
 * lines.map((line) => JSON.parse(line), { onError: rejected })
 */
export function deadLetter(name: string, sink: Sink<DeadLetter>): OnError {
  return { kind: 'deadLetter', name, sink }
}
