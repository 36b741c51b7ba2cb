import { itemCount, type Inputs } from './inputs.ts'
import type { PieceOrder } from './pace.ts'

/** The available part of the input: at first a share of it, which the first runs read to the end, then all of it. */
export class Growth {
  readonly #inputs: Inputs
  /** The number of available items by source and split; undefined means all. */
  #limits: ReadonlyMap<string, number> | undefined
  /** The number of available pieces of the order; undefined means all. */
  #pieces: number | undefined

  /** `share` is the available part, from 0 to 1; undefined means everything from the start. */
  constructor(inputs: Inputs, order: PieceOrder | undefined, share: number | undefined) {
    this.#inputs = inputs
    if (share === undefined) return
    const limits = new Map<string, number>()
    if (order === undefined) {
      for (const [source, input] of inputs)
        for (const [split, items] of input) limits.set(`${source}/${split}`, Math.ceil(items.length * share))
    } else {
      this.#pieces = Math.ceil(order.length * share)
      for (const { source, split, to } of order.slice(0, this.#pieces)) limits.set(`${source}/${split}`, to)
    }
    this.#limits = limits
  }

  get isWhole(): boolean {
    return this.#limits === undefined
  }

  /** Returns the number of available items of a split. */
  upTo(source: string, split: string): number {
    const all = this.#inputs.get(source)?.get(split)?.length ?? 0
    return this.#limits === undefined ? all : (this.#limits.get(`${source}/${split}`) ?? 0)
  }

  /** Whether a split exists yet: one without items appears with the rest. */
  isThere(source: string, split: string): boolean {
    return this.#limits === undefined || this.#limits.has(`${source}/${split}`)
  }

  /** Returns the available part of an order. */
  within(order: PieceOrder): PieceOrder {
    return this.#pieces === undefined ? order : order.slice(0, this.#pieces)
  }

  /** Makes the rest available. Returns a description for people. */
  grow(): string {
    const [all, before] = [itemCount(this.#inputs), sumOf(this.#limits)]
    this.#limits = undefined
    this.#pieces = undefined
    return `${before} of ${all} records were there and have been read; now the others are`
  }
}

function sumOf(limits: ReadonlyMap<string, number> | undefined): number {
  let sum = 0
  for (const limit of limits?.values() ?? []) sum += limit
  return sum
}
