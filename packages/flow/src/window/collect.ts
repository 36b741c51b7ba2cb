import { backupByLength, isThenable, refusePromise } from '@millrace/core/operator'
import { requireFunction, type Synchronous } from '../synchronous.ts'
import type { Aggregate } from './aggregate.ts'

/**
 * Collects all values, or the results of `select`, in order of arrival. Keeps all of them until the window is
 * deleted.
 *
 * @example
 * { payments: collect(), ids: collect((payment) => payment.id) }
 */
export function collect<In>(): Aggregate<In, In[], readonly In[]>
export function collect<In, V>(select: (value: In) => Synchronous<V>): Aggregate<In, V[], readonly V[]>
export function collect<In>(select?: (value: In) => unknown): Aggregate<In, unknown[], readonly unknown[]> {
  if (select !== undefined) requireFunction(select, 'the aggregate collect')
  return {
    kind: 'collect',
    version: 1,
    create: () => [],
    add: (values, value) => {
      const selected: unknown = select === undefined ? value : select(value)
      if (isThenable(selected)) refusePromise(selected, 'the function of collect returned')
      values.push(selected)
      return values
    },
    merge: (earlier, later) => {
      // One by one: spreading a long list into push overflows the stack.
      for (const value of later) earlier.push(value)
      return earlier
    },
    // A copy: an emitted list must not grow when a late record arrives.
    result: (values) => [...values],
    backup: backupByLength,
  }
}
