import type { ConnectorContext } from '@millrace/core/connector'

/** Ends a connection over which nothing happens in time, or when the job stops. */
export class Watchdog implements Disposable {
  readonly #clock: ConnectorContext['clock']
  readonly #outer: AbortSignal
  readonly #inner = new AbortController()
  readonly #onAbort = (): void => {
    this.rest()
    this.#inner.abort(this.#outer.reason)
  }
  #timer: Disposable | undefined

  constructor(clock: ConnectorContext['clock'], signal: AbortSignal) {
    this.#clock = clock
    this.#outer = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#inner.signal
  }

  /** Something must happen within this time. */
  expect(ms: number, otherwise: string): void {
    this.rest()
    if (this.#inner.signal.aborted) return
    this.#timer = this.#clock.schedule(ms, () => this.#inner.abort(new Error(`${otherwise} within ${ms} ms`)))
  }

  /** Nothing is expected for now. */
  rest(): void {
    this.#timer?.[Symbol.dispose]()
  }

  /** Runs an action; if it fails because of the signal, with the reason of that. */
  async during<R>(action: () => Promise<R>): Promise<R> {
    try {
      return await action()
    } catch (error) {
      // Node's client has its own error for a signal.
      this.#inner.signal.throwIfAborted()
      throw error
    } finally {
      this[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    this.rest()
    this.#outer.removeEventListener('abort', this.#onAbort)
  }
}
