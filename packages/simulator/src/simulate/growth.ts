import { itemCount, type Inputs } from './inputs.ts'
import type { PieceOrder } from './pace.ts'

/** How much of the input there is: at first a part of it, which the first runs read to its end, and then all. */
export class Growth {
  readonly #inputs: Inputs
  /** By source and split: how many items there are; undefined: all. */
  #limits: ReadonlyMap<string, number> | undefined
  /** How many pieces of the order there are; undefined: all. */
  #pieces: number | undefined

  /** `share` is that of the part, from 0 to 1; undefined: everything is there from the start. */
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

  /** How many items of a split there are. */
  upTo(source: string, split: string): number {
    const all = this.#inputs.get(source)?.get(split)?.length ?? 0
    return this.#limits === undefined ? all : (this.#limits.get(`${source}/${split}`) ?? 0)
  }

  /** Whether there is a split yet: one without items comes with the rest. */
  isThere(source: string, split: string): boolean {
    return this.#limits === undefined || this.#limits.has(`${source}/${split}`)
  }

  /** What is there of an order. */
  within(order: PieceOrder): PieceOrder {
    return this.#pieces === undefined ? order : order.slice(0, this.#pieces)
  }

  /** The rest has come. Returns what that is, for people. */
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
