import type { Aggregate } from './aggregate.ts'

/**
 * How many values there are; with `select`, for how many it is not undefined.
 *
 * @example
 * { payments: count(), refunded: count((payment) => payment.refundedAt) }
 */
export function count<In>(select?: (value: In) => unknown): Aggregate<In, number, number> {
  return {
    kind: 'count',
    version: 1,
    create: () => 0,
    add: select === undefined ? (n) => n + 1 : (n, value) => (select(value) === undefined ? n : n + 1),
    merge: (a, b) => a + b,
    result: (n) => n,
  }
}
