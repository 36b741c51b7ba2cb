import type { Key } from '@millrace/core'
import { keyToken } from '@millrace/core/store'
import type { RowChange } from './row-change.ts'

/** A change of a row inside a group. A row that moves to another group is deleted in one and inserted in the other. */
export interface GroupedChange extends RowChange {
  readonly group: Key
}

/**
 * Distributes the changes of a table to groups.
 *
 * @example
 * grouping((n) => n % 2)({ key: 'a', before: 1, after: 2 })
 * // => [{ group: 1, key: 'a', before: 1, after: undefined }, { group: 0, key: 'a', before: undefined, after: 2 }]
 */
export function grouping(
  select: (row: unknown, key: Key) => Key,
): (change: unknown) => readonly GroupedChange[] {
  return (change) => {
    const { key, before, after } = change as RowChange
    if (before === undefined) return [{ group: select(after, key), key, before, after }]
    const old = select(before, key)
    if (after === undefined) return [{ group: old, key, before, after }]
    const group = select(after, key)
    if (keyToken(old) === keyToken(group)) return [{ group, key, before, after }]
    return [
      { group: old, key, before, after: undefined },
      { group, key, before: undefined, after },
    ]
  }
}
