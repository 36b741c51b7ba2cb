/** What is made of records that meet: the same code for the engine and for the oracle. */
import { figureOf, figuresEnd, foldOf, remainder, type Item } from './item.ts'

/** The result of a pair, of which one may be missing. */
export function pairValue(left: Item | undefined, right: Item | undefined): Item {
  const figure = (item: Item | undefined): number => (item === undefined ? -1 : figureOf(item))
  return { key: (left ?? right)!.key, value: foldOf([figure(left), figure(right)]) }
}

/** A sum with one more figure, in which the streams have different weights. The order does not matter. */
export function roundsOf(sum: number, stream: number, figure: number): number {
  return remainder(sum + figure * (stream === 0 ? 1 : 31) + 7, figuresEnd)
}
