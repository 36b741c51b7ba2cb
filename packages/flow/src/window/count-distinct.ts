import type { Key } from '@millrace/core'
import { keyToken, type KeyToken } from '@millrace/core/store'
import type { Aggregate } from './aggregate.ts'

/**
 * The number of different values, exactly. Keeps each of them until the window is deleted; for very many use
 * `approximateCountDistinct`. Values are compared as keys are: `1` and `'1'` differ, and objects are equal if
 * their fields are. A value that is undefined is not counted.
 *
 * @example
 * { visitors: countDistinct((click) => click.visitor) }
 */
export function countDistinct<In>(
  select: (value: In) => Key | undefined,
): Aggregate<In, Set<KeyToken>, number> {
  return {
    kind: 'countDistinct',
    version: 1,
    create: () => new Set(),
    add: (values, value) => {
      const selected = select(value)
      return selected === undefined ? values : values.add(keyToken(selected))
    },
    merge: (earlier, later) => {
      for (const token of later) earlier.add(token)
      return earlier
    },
    result: (values) => values.size,
    // Values are only added, and a set keeps the order in which they were.
    backup: (values) => {
      const { size } = values
      return () => (values.size === size ? values : new Set([...values].slice(0, size)))
    },
  }
}
