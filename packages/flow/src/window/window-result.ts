import type { Key } from '@millrace/core'
import type { Accumulators } from './accumulators.ts'
import type { Aggregates } from './aggregate.ts'
import type { Window } from './assigner.ts'
import type { Pane } from './pane.ts'

/** What all window operators are given, besides their windows. */
export interface AggregateParts {
  readonly name: string
  readonly aggregates: Aggregates<unknown>
  readonly latenessMs: number
  /** Whether results contain the key. They do not for windows over the whole stream. Default true. */
  readonly hasKey?: boolean
}

/** Of which window a result is. */
interface ResultOf {
  /** Undefined: the result has no key. */
  readonly key: Key | undefined
  readonly window: Window
  readonly pane?: Pane | undefined
  /** The accumulators. */
  readonly values: unknown
}

/** The result of a window: the key, the window, the pane, and a field for each aggregate. */
export function windowResult(
  accumulators: Accumulators,
  { key, window, pane, values }: ResultOf,
): Record<string, unknown> {
  const result: Record<string, unknown> = key === undefined ? { window } : { key, window }
  if (pane !== undefined) result['pane'] = pane
  accumulators.results(values, result)
  return result
}
