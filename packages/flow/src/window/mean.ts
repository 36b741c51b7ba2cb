import { backupByReference } from '@millrace/core/operator'
import { requireFunction } from '../synchronous.ts'
import type { Aggregate } from './aggregate.ts'
import { numeric } from './sum.ts'

/** The accumulator of `mean`. Never changed in place. */
export interface MeanAccumulator {
  readonly n: number
  readonly total: number
}

/**
 * The arithmetic mean of numbers; undefined without values. Undefined is ignored, any other value that is not
 * a number is an error, and NaN makes the mean NaN.
 *
 * @example
 * { usual: mean((payment) => payment.amount) }
 */
export function mean<In, V extends number | undefined>(
  select: (value: In) => V,
): Aggregate<In, MeanAccumulator, number | (undefined extends V ? undefined : never)> {
  requireFunction(select, 'the aggregate mean')
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
    // A selector that never returns undefined has a value in every window.
    result: ({ n, total }) => (n === 0 ? undefined : total / n) as number,
    backup: backupByReference,
  }
}
