/**
 * Ends everything that belongs to one attempt.
 *
 * A tree kept by hand rather than one signal with many listeners: tasks, splits and calls come and go by the
 * thousand, each wants a signal of its own, and a signal that collects listeners leaks them and warns about it.
 */
export class Cancellation {
  /** Made for those who ask: most splits come and go without that. */
  #controller: AbortController | undefined
  #isCancelled = false
  #reason: unknown
  readonly #children = new Set<Cancellation>()
  readonly #wakes: (() => void)[] = []
  readonly #parent: Cancellation | undefined

  constructor(parent?: Cancellation) {
    this.#parent = parent
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isCancelled) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** A part that ends with this one, and can end before it. */
  child(): Cancellation {
    const child = new Cancellation(this)
    if (this.#isCancelled) child.cancel(this.#reason)
    else this.#children.add(child)
    return child
  }

  /** Calls `wake` once cancelled: for tasks that wait for something else than the signal. */
  onCancel(wake: () => void): void {
    if (this.#isCancelled) wake()
    else this.#wakes.push(wake)
  }

  cancel(reason: unknown): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#reason = reason
    this.#controller?.abort(reason)
    for (const child of this.#children) child.cancel(reason)
    for (const wake of this.#wakes) wake()
    this.release()
  }

  /** This part is over and need not be cancelled any more. */
  release(): void {
    if (this.#parent !== undefined) this.#parent.#children.delete(this)
  }
}
