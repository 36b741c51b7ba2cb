/** The records of drawn pipelines, and the families of functions that are drawn for them. */
import type { Key } from '@millrace/core'

/** The input and output type of every operator: results of windows have a key and a value, too. */
export interface Item {
  readonly id?: number
  readonly key: Key
  /** A number, a bigint or a list of numbers. */
  readonly value: unknown
}

/** A record of a source. */
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

/** How records are keyed. */
export type Grouping =
  | { readonly kind: 'key' }
  | { readonly kind: 'all' }
  | { readonly kind: 'figure'; readonly mod: number }
  /** Keys of various types. */
  | { readonly kind: 'mixed'; readonly mod: number }

/** How two items are combined. */
export type Joining = 'sum' | 'greatest' | 'mix'

/** Figures stay below this, so that sums of them are exact. */
export const figuresEnd = 1_000_003

/** A non-negative integer for any item. */
export function figureOf({ value }: Item): number {
  if (typeof value === 'number') return remainder(Math.trunc(value), figuresEnd)
  if (typeof value === 'bigint') return remainder(Number(value % BigInt(figuresEnd)), figuresEnd)
  return foldOf(value as readonly number[])
}

/** An integer for a list, which depends on the order. */
export function foldOf(figures: Iterable<number>): number {
  let fold = 7
  for (const figure of figures) fold = remainder(fold * 31 + figure, figuresEnd)
  return fold
}

/** Non-negative modulo. */
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

/** The same for readings, each with the time of its input. */
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

/** Key types besides string and number. */
const sorts: readonly ((figure: number) => Key)[] = [
  (figure) => [figure, `of ${figure}`],
  (figure) => ({ figure, is: { odd: figure % 2 === 1 } }),
  (figure) => BigInt(figure),
  () => true,
  () => null,
]

/** Combines an accumulated item and the next one. */
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
