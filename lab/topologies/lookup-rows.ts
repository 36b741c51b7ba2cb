/** The rows of the outside system that drawn pipelines ask, and what comes of a record and its row. */
import { figureOf, type Item } from './item.ts'

/** The row of a key; most keys have one. */
export function rowOf(key: number): number | undefined {
  return key % 3 === 0 ? undefined : (key * 31 + 7) % 100
}

/** The result for a record and its row. */
export function lookedUp(item: Item, row: number | undefined): Item {
  return { key: item.key, value: row === undefined ? [figureOf(item)] : (figureOf(item) + row) % 1_000 }
}
