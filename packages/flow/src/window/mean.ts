import { backupByReference } from '@millrace/core'
import type { Aggregate } from './aggregate.ts'
import { numeric } from './sum.ts'

/** What `mean` remembers. Never changed in place. */
export interface MeanAccumulator {
  readonly n: number
  readonly total: number
}

/**
 * The arithmetic mean of numbers; undefined for none. Undefined is left out, anything else that is no number is an
 * error, and NaN makes the mean NaN.
 *
 * @example
 * { usual: mean((payment) => payment.amount) }
 */
export function mean<In, V extends number | undefined>(
  select: (value: In) => V,
): Aggregate<In, MeanAccumulator, number | (undefined extends V ? undefined : never)> {
  return {
    kind: 'mean',
    version: 1,
    create: () => ({ n: 0, total: 0 }),
    isFixedSize: true,
    add: (before, value) => {
      const term = select(value)
      if (term === undefined) return before
      return { n: before.n + 1, total: before.total + numeric(term, 'mean') }
    },
    merge: (a, b) => ({ n: a.n + b.n, total: a.total + b.total }),
    // A selector that never returns undefined leaves no window without a value.
    result: ({ n, total }) => (n === 0 ? undefined : total / n) as number,
    backup: backupByReference,
  }
}
