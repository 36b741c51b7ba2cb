/** What travels through drawn pipelines, and the small families of functions that are drawn for them. */
import type { Key } from '@millrace/core'

/** What every operator takes and puts out: results of windows too have a key and a value. */
export interface Item {
  readonly id?: number
  readonly key: Key
  /** A number, a bigint or a list of numbers. */
  readonly value: unknown
}

/** A record as a source brings it. */
export interface Reading extends Item {
  readonly id: number
  /** Event time in milliseconds. */
  readonly at: number
}

/** Turns an item into another one. */
export type Change =
  | { readonly kind: 'scale'; readonly by: number; readonly plus: number }
  | { readonly kind: 'rekey'; readonly mod: number }

/** True for items whose figure modulo `mod` is below `below`. */
export interface Test {
  readonly mod: number
  readonly below: number
}

/** What records are brought together by. */
export type Grouping =
  | { readonly kind: 'key' }
  | { readonly kind: 'all' }
  | { readonly kind: 'figure'; readonly mod: number }
  /** Keys of all sorts. */
  | { readonly kind: 'mixed'; readonly mod: number }

/** How two items become one. */
export type Joining = 'sum' | 'greatest' | 'mix'

/** Figures stay below this, so that sums of them are exact. */
export const figuresEnd = 1_000_003

/** One whole number for any item, from 0. */
export function figureOf({ value }: Item): number {
  if (typeof value === 'number') return remainder(Math.trunc(value), figuresEnd)
  if (typeof value === 'bigint') return remainder(Number(value % BigInt(figuresEnd)), figuresEnd)
  return foldOf(value as readonly number[])
}

/** One whole number for a list: another one if the order differs. */
export function foldOf(figures: Iterable<number>): number {
  let fold = 7
  for (const figure of figures) fold = remainder(fold * 31 + figure, figuresEnd)
  return fold
}

/** From 0 on, also for negative numbers. */
export function remainder(value: number, mod: number): number {
  return ((value % mod) + mod) % mod
}

/** The changed item. */
export function changed(change: Change, item: Item): Item {
  const figure = figureOf(item)
  if (change.kind === 'rekey') return { ...named(item), key: `g${figure % change.mod}`, value: figure }
  return { ...named(item), key: item.key, value: (figure * change.by + change.plus) % 1_000 }
}

/** `times` items for one, each with another value. */
export function multiplied(times: number, item: Item): readonly Item[] {
  const figure = figureOf(item)
  const count = figure % (times + 1)
  return Array.from({ length: count }, (_, n) => ({
    ...named(item),
    key: item.key,
    value: (figure + n) % 1_000,
  }))
}

/** The same for readings, each with the time of the one it was made of. */
export function severalOf(times: number, item: Item): readonly Item[] {
  return multiplied(times, item).map((each) => ({ ...item, ...each }))
}

/** Whether the item passes. */
export function passes({ mod, below }: Test, item: Item): boolean {
  return figureOf(item) % mod < below
}

/** The key of an item. */
export function keyOf(grouping: Grouping, item: Item): Key {
  if (grouping.kind === 'key') return item.key
  if (grouping.kind === 'all') return 'all'
  const figure = figureOf(item) % grouping.mod
  return grouping.kind === 'figure' ? figure : sorts[figure % sorts.length]!(figure)
}

/** What a key can be beside a text and a number. */
const sorts: readonly ((figure: number) => Key)[] = [
  (figure) => [figure, `of ${figure}`],
  (figure) => ({ figure, is: { odd: figure % 2 === 1 } }),
  (figure) => BigInt(figure),
  () => true,
  () => null,
]

/** One item for the first so many and the next. */
export function joined(how: Joining, total: Item, item: Item): Item {
  const [before, figure] = [figureOf(total), figureOf(item)]
  if (how === 'greatest') return figure > before ? item : total
  return {
    ...named(total),
    key: item.key,
    value: how === 'sum' ? (before + figure) % 10_000 : foldOf([before, figure]),
  }
}

/** Throws for an item that is poison. */
export function checkPoison(poison: Test | undefined, item: Item): void {
  if (poison !== undefined && passes(poison, item)) throw new Error(`${figureOf(item)} is poison`)
}

function named({ id }: Item): { readonly id?: number } {
  return id === undefined ? {} : { id }
}
