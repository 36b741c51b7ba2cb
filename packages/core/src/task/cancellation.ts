/**
 * Ends everything that belongs to one attempt.
 *
 * A tree of parts rather than one signal with many listeners: tasks, splits and calls are short-lived and number
 * thousands, each has its own signal, and a signal with many listeners leaks them and warns about it.
 */
export class Cancellation {
  /** Created on first use: most splits never need it. */
  #controller: AbortController | undefined
  #isCancelled = false
  #reason: unknown
  readonly #children = new Set<Cancellation>()
  readonly #wakes: (() => void)[] = []
  readonly #parent: Cancellation | undefined

  constructor(parent?: Cancellation) {
    this.#parent = parent
  }

  get isCancelled(): boolean {
    return this.#isCancelled
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

  /** Calls `wake` once cancelled: for tasks that do not wait for the signal. */
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

  /** Ends this part, which need not be cancelled any more. */
  release(): void {
    if (this.#parent !== undefined) this.#parent.#children.delete(this)
  }
}
