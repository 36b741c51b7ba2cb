import type { Accumulators } from '../window/accumulators.ts'

/**
 * The accumulators of the rows of one group, merged in a tree. Replacing or deleting a row costs a few merges, for any
 * aggregate: none needs an inverse, and sums of fractions do not drift.
 *
 * Leaf `i` belongs to the row with the number `i`; a node has the merged accumulators of its two children. The shape
 * follows from the numbers alone, so results are the same after a restart.
 */
export class RowTree {
  readonly #accumulators: Accumulators
  /** Node 1 is the root; the children of node `n` are `2n` and `2n + 1`. Undefined: no accumulators. */
  #nodes: unknown[] = [undefined, undefined]
  #leaves = 1
  /** Numbers without a row below `#end`, in descending order. */
  readonly #free: number[] = []
  #end = 0

  constructor(accumulators: Accumulators) {
    this.#accumulators = accumulators
  }

  /** The merged accumulators. Must not be changed. */
  get root(): unknown {
    return this.#nodes[1]
  }

  /** The lowest number without a row. */
  get freeNumber(): number {
    return this.#free.at(-1) ?? this.#end
  }

  /** Sets the accumulators of a row, which may be new. */
  set(number: number, accumulators: unknown): void {
    while (number >= this.#leaves) this.#grow()
    const index = this.#free.indexOf(number)
    if (index >= 0) this.#free.splice(index, 1)
    else while (this.#end <= number) if (this.#end++ < number) this.#free.unshift(this.#end - 1)
    this.#setLeaf(number, accumulators)
  }

  /** Deletes the accumulators of a row. */
  delete(number: number): void {
    const lower = this.#free.findIndex((free) => free < number)
    this.#free.splice(lower < 0 ? this.#free.length : lower, 0, number)
    this.#setLeaf(number, undefined)
  }

  #setLeaf(number: number, accumulators: unknown): void {
    let node = this.#leaves + number
    this.#nodes[node] = accumulators
    for (node >>= 1; node > 0; node >>= 1) this.#merge(node)
  }

  #merge(node: number): void {
    const left = this.#nodes[2 * node]
    const right = this.#nodes[2 * node + 1]
    if (left === undefined || right === undefined) this.#nodes[node] = left ?? right
    else this.#nodes[node] = this.#accumulators.merge(this.#accumulators.copy(left), right)
  }

  #grow(): void {
    const leaves = this.#nodes.slice(this.#leaves)
    this.#leaves *= 2
    this.#nodes = Array.from({ length: this.#leaves }, () => undefined as unknown).concat(leaves)
    while (this.#nodes.length < 2 * this.#leaves) this.#nodes.push(undefined)
    for (let node = this.#leaves - 1; node > 0; node--) this.#merge(node)
  }
}
