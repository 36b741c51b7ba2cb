import type { Key } from '@millrace/core'
import type { Accumulators } from './accumulators.ts'
import type { Aggregates } from './aggregate.ts'
import type { Window } from './assigner.ts'

/** What all window operators are given, besides their windows. */
export interface AggregateParts {
  readonly name: string
  readonly aggregates: Aggregates<unknown>
  readonly latenessMs: number
  /** Whether results contain the key. They do not for windows over the whole stream. Default true. */
  readonly hasKey?: boolean
}

/** The result of a window: the key, the window, and a field for each aggregate. */
export function windowResult(
  accumulators: Accumulators,
  {
    key,
    window,
    values,
  }: { readonly key: Key | undefined; readonly window: Window; readonly values: unknown },
): Record<string, unknown> {
  const result: Record<string, unknown> = key === undefined ? { window } : { key, window }
  accumulators.results(values, result)
  return result
}
