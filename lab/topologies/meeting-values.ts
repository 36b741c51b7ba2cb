/** What is made of records that meet: the same code for the engine and for the oracle. */
import { figureOf, figuresEnd, foldOf, remainder, type Item } from './item.ts'

/** The result of a pair, of which one may be missing. */
export function pairValue(left: Item | undefined, right: Item | undefined): Item {
  const figure = (item: Item | undefined): number => (item === undefined ? -1 : figureOf(item))
  return { key: (left ?? right)!.key, value: foldOf([figure(left), figure(right)]) }
}

/** The result of what a window has of two streams, in any order. */
export function groupValue({ key, left, right }: Group): Item {
  const sum = (items: readonly Item[]): number =>
    items.reduce((total, item) => total + figureOf(item), 0) % figuresEnd
  return { key, value: [left.length, sum(left), right.length, sum(right)] }
}

interface Group {
  readonly key: Item['key']
  readonly left: readonly Item[]
  readonly right: readonly Item[]
}

/** A sum with one more figure, in which the streams have different weights. The order does not matter. */
export function roundsOf(sum: number, stream: number, figure: number): number {
  return remainder(sum + figure * (stream === 0 ? 1 : 31) + 7, figuresEnd)
}
