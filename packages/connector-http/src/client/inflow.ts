import type { ConnectorContext, Poll } from '@millrace/core/connector'

/** So many items, or bytes, may wait before the sender is slowed down. */
const itemsMax = 1_000
const bytesMax = 4 * 1024 * 1024
/** After so long without anything the reader has caught up. */
const quietAfterMs = 1_000

/** Items that arrive by themselves, and wait to be handed out. The sender is slowed down while many wait. */
export class Inflow<I> {
  readonly #context: Pick<ConnectorContext, 'clock' | 'signal'>
  readonly #closing = new AbortController()
  readonly #onAbort = (): void => this.#end(this.#context.signal.reason)
  #waiting: I[] = []
  #bytes = 0
  #isQuiet = false
  #isEnded = false
  #error: Error | undefined
  #quietTimer: Disposable | undefined
  #wakeReader: (() => void)[] = []
  #wakeSender: (() => void)[] = []

  /** `run` brings the items until its signal aborts. Input ends when it resolves. */
  constructor(
    context: Pick<ConnectorContext, 'clock' | 'signal'>,
    run: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#context = context
    context.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (context.signal.aborted) this.#onAbort()
    // Not before the reader that it calls is complete.
    void Promise.resolve().then(() => this.#run(run))
  }

  /** Something has arrived: the sender is there. */
  isAlive(): void {
    this.#quietTimer?.[Symbol.dispose]()
    if (this.#closing.signal.aborted) return
    this.#isQuiet = false
    this.#quietTimer = this.#context.clock.schedule(quietAfterMs, () => {
      this.#isQuiet = true
      this.#wake()
    })
  }

  /** Whether the sender must wait. */
  get isFull(): boolean {
    return this.#waiting.length >= itemsMax || this.#bytes >= bytesMax
  }

  /** Resolves when there is room again. */
  add(item: I, bytes: number): Promise<void> | undefined {
    this.#waiting.push(item)
    this.#bytes += bytes
    this.#wake()
    if (!this.isFull || this.#closing.signal.aborted) return undefined
    return new Promise((resolve) => this.#wakeSender.push(resolve))
  }

  /** The next items, up to `limit`. */
  take(limit: number): I[] {
    const taken = this.#waiting.splice(0, limit)
    // Bytes are counted until everything is handed out: a bound, not a figure.
    if (this.#waiting.length === 0) this.#bytes = 0
    if (!this.isFull) for (const wake of this.#wakeSender.splice(0)) wake()
    return taken
  }

  /** Why there is nothing to hand out. Throws the error with which the input has ended. */
  state(): Poll<never> {
    if (this.#waiting.length > 0) return { kind: 'pending', isCaughtUp: false }
    if (this.#error !== undefined) throw this.#error
    return this.#isEnded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: this.#isQuiet }
  }

  async ready(): Promise<void> {
    const isOver = this.#isEnded || this.#error !== undefined || this.#closing.signal.aborted
    if (this.#waiting.length > 0 || isOver) return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  close(): void {
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#end(new Error('the reader is closed'))
  }

  async #run(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#closing
    try {
      await run(signal)
      this.#isEnded = true
    } catch (error) {
      if (!signal.aborted) this.#error = error as Error
    }
    this.#wake()
  }

  #end(reason: unknown): void {
    this.#closing.abort(reason)
    this.#quietTimer?.[Symbol.dispose]()
    for (const wake of this.#wakeSender.splice(0)) wake()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}
