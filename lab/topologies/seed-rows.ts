/** What drawn state begins with: the same rows and functions for the engine and for the oracle. */
import type { Key } from '@millrace/core'
import { keyOf, type Grouping, type Item } from './item.ts'

/** The rows, some of which have a key that no record has. */
export function seedRows(count: number): readonly Item[] {
  return Array.from({ length: count }, (_, value) => ({
    key: `${value % 3 === 2 ? 'g' : 'k'}${value % 7}`,
    value,
  }))
}

/** The key of a row. */
export function seedKey(by: Grouping): (row: Item) => Key {
  return (row) => keyOf(by, row)
}

/** The mark of a row in a map. */
export function markOf(figure: number): number {
  return figure % 4
}
