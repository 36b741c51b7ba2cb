import { isThenable, refusePromise } from '@millrace/core/operator'
import { requireFunction } from '../synchronous.ts'
import type { Aggregate } from './aggregate.ts'

/**
 * Counts values; with `select`, values for which it is not undefined.
 *
 * @example
 * { payments: count(), refunded: count((payment) => payment.refundedAt) }
 */
export function count<In>(select?: (value: In) => unknown): Aggregate<In, number, number> {
  if (select !== undefined) requireFunction(select, 'the aggregate count')
  return {
    kind: 'count',
    version: 1,
    create: () => 0,
    add: select === undefined ? (n) => n + 1 : (n, value) => (isThere(select(value)) ? n + 1 : n),
    merge: (a, b) => a + b,
    result: (n) => n,
  }
}

function isThere(value: unknown): boolean {
  if (isThenable(value)) refusePromise(value, 'the function of count returned')
  return value !== undefined
}
