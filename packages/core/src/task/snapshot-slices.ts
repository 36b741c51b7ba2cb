import type { Slicing, YieldBudget } from '../disk/yield-budget.ts'
import type { OpenStateStore } from '../state/state-store.ts'

/** How long one slice of encoding may delay records, in milliseconds. */
const sliceMs = 2

/**
 * The state part of a task's snapshot: frozen at the barrier in constant time, encoded in slices between batches.
 */
export class SnapshotSlices {
  readonly #store: OpenStateStore
  readonly #owners: readonly string[]
  readonly #subtask: number
  readonly #budget: YieldBudget
  #unfinished: readonly string[] = []
  #done: (() => void) | undefined

  constructor(store: OpenStateStore, owners: readonly string[], subtask: number, budget: YieldBudget) {
    this.#store = store
    this.#owners = owners
    this.#subtask = subtask
    this.#budget = budget
  }

  get isUnderWay(): boolean {
    return this.#done !== undefined
  }

  /**
   * Cuts here; `done` is called once everything before the cut is encoded. An earlier snapshot that is still running
   * belongs to an abandoned checkpoint: what it has left is part of this one, and its `done` is never called.
   */
  begin(done: () => void): void {
    for (const owner of this.#owners) this.#store.freeze(owner, this.#subtask)
    this.#unfinished = this.#owners
    this.#done = done
    if (this.#owners.length === 0) this.#finish()
  }

  slice(): void {
    this.#encode(this.#budget.slice(sliceMs))
  }

  #encode(slicing: Slicing): void {
    const [owner] = this.#unfinished
    if (owner !== undefined && this.#store.encode(owner, this.#subtask, slicing)) {
      this.#unfinished = this.#unfinished.slice(1)
    }
    if (this.#unfinished.length === 0) this.#finish()
  }

  #finish(): void {
    const done = this.#done
    this.#done = undefined
    done?.()
  }
}
