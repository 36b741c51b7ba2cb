import type { OpenStateStore } from '../state/state-store.ts'

/** How long one slice of encoding may hold up records, in milliseconds. */
const sliceMs = 2

/**
 * The state part of a task's snapshot: frozen at the barrier in constant time, encoded in slices between batches.
 */
export class SnapshotSlices {
  readonly #store: OpenStateStore
  readonly #owners: readonly string[]
  readonly #subtask: number
  #unfinished: readonly string[] = []
  #done: (() => void) | undefined

  constructor(store: OpenStateStore, owners: readonly string[], subtask: number) {
    this.#store = store
    this.#owners = owners
    this.#subtask = subtask
  }

  get isUnderWay(): boolean {
    return this.#done !== undefined
  }

  /** Cuts here; `done` is called once everything before the cut is encoded. */
  begin(done: () => void): void {
    // Only a checkpoint that was given up can still be under way. Its cut must be whole before the next one.
    while (this.isUnderWay) this.#encode(Number.POSITIVE_INFINITY)
    for (const owner of this.#owners) this.#store.freeze(owner, this.#subtask)
    this.#unfinished = this.#owners
    this.#done = done
    if (this.#owners.length === 0) this.#finish()
  }

  slice(): void {
    this.#encode(sliceMs)
  }

  #encode(budgetMs: number): void {
    const [owner] = this.#unfinished
    if (owner !== undefined && this.#store.encode(owner, this.#subtask, budgetMs)) {
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
