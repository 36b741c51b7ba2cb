/**
 * Ends everything that belongs to one attempt.
 *
 * A tree kept by hand rather than one signal with many listeners: tasks, splits and calls come and go by the
 * thousand, each wants a signal of its own, and a signal that collects listeners leaks them and warns about it.
 */
export class Cancellation {
  readonly #controller = new AbortController()
  readonly #children = new Set<Cancellation>()
  readonly #wakes: (() => void)[] = []
  readonly #parent: Cancellation | undefined

  constructor(parent?: Cancellation) {
    this.#parent = parent
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** A part that ends with this one, and can end before it. */
  child(): Cancellation {
    const child = new Cancellation(this)
    if (this.signal.aborted) child.cancel(this.signal.reason)
    else this.#children.add(child)
    return child
  }

  /** Calls `wake` once cancelled: for tasks that wait for something else than the signal. */
  onCancel(wake: () => void): void {
    if (this.signal.aborted) wake()
    else this.#wakes.push(wake)
  }

  cancel(reason: unknown): void {
    if (this.signal.aborted) return
    this.#controller.abort(reason)
    for (const child of this.#children) child.cancel(reason)
    for (const wake of this.#wakes) wake()
    this.release()
  }

  /** This part is over and need not be cancelled any more. */
  release(): void {
    if (this.#parent !== undefined) this.#parent.#children.delete(this)
  }
}
