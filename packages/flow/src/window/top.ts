import { MillraceError } from '@millrace/core'
import type { Aggregate } from './aggregate.ts'

/**
 * The first `n` values in an order, as a list: Top-N of each window. `order` compares two values, as for
 * `toSorted`; equal ones keep their order.
 *
 * Not more than `n` values of each part of a window are kept. For the Top-N of a whole stream, which changes
 * with each record, use `topN`.
 *
 * @example
 * bids.keyBy((bid) => bid.auction).window(tumbling('1m')).aggregate('highest', { bids: top(3, (a, b) => b.price - a.price) })
 * // emits { key: 'a1', window: { start: 0, end: 60000 }, bids: [{ price: 9 }, { price: 7 }, { price: 7 }] }
 */
export function top<In>(
  n: number,
  order: (a: In, b: In) => number,
): Aggregate<In, readonly In[], readonly In[]> {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new MillraceError('OPTION_INVALID', `n of top is ${String(n)}; give a whole number from 1`)
  }
  const first = (values: readonly In[]): readonly In[] => values.toSorted(order).slice(0, n)
  return {
    kind: 'top',
    version: 1,
    isFixedSize: true,
    create: () => [],
    add: (best, value) =>
      best.length === n && order(best.at(-1)!, value) <= 0 ? best : first([...best, value]),
    merge: (earlier, later) => first([...earlier, ...later]),
    result: (best) => best,
    // Never changed in place.
    backup: (best) => () => best,
  }
}
