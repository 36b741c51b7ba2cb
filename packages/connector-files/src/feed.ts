import type { Chunk, Piece } from './chunk.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Reads one chunk ahead of its consumer.
 *
 * Invariant between any two calls: at most one chunk waits here and at most one is being read, so memory is
 * bounded. After `isFinished` or `error` only the waiting chunk remains.
 */
export class Feed {
  /** The next chunk, if it has arrived. */
  next: Chunk | undefined
  /** Whether everything that was in the file at the last check was returned or is `next`. */
  isQuiet = false
  /** Whether the file has ended. */
  isFinished = false
  /** Whether the file ends within incomplete data. */
  isTorn = false
  /** Why reading failed. Thrown only after everything before it was returned. */
  error: Error | undefined
  readonly #stopped: AbortSignal
  readonly #done: Promise<void>
  #hasNews = false
  #wake: (() => void) | undefined
  #waiting: Promise<void> | undefined
  #taken: (() => void) | undefined

  /** Starts reading `pieces`, which must end soon after `stopped` aborts. */
  constructor(pieces: AsyncIterable<Piece>, stopped: AbortSignal) {
    this.#stopped = stopped
    this.#done = this.#pump(pieces)
    // Remove the listener: Node keeps a combined signal and its listeners alive as long as it has any.
    stopped.addEventListener(
      'abort',
      () => {
        this.#taken?.()
        this.#tell()
      },
      { once: true },
    )
  }

  /** Takes `next`, and starts fetching the following chunk. */
  take(): Chunk | undefined {
    const chunk = this.next
    this.next = undefined
    this.#taken?.()
    return chunk
  }

  /** Marks all news as seen, so that `ready` waits for something new. */
  settle(): void {
    this.#hasNews = false
  }

  /** Resolves when something has changed since the last `settle`. */
  ready(): Promise<void> {
    if (this.#hasNews || this.#stopped.aborted) return settled
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = resolve
    })
    return this.#waiting
  }

  /** Resolves when reading has stopped and the file is closed. */
  closed(): Promise<void> {
    return this.#done
  }

  async #pump(pieces: AsyncIterable<Piece>): Promise<void> {
    try {
      for await (const piece of pieces) {
        if (piece === 'torn') {
          this.isTorn = true
          continue
        }
        if (piece === 'quiet') {
          const isNews = !this.isQuiet
          this.isQuiet = true
          if (isNews) this.#tell()
          continue
        }
        this.isQuiet = false
        this.next = piece
        this.#tell()
        await this.#untilTaken()
        if (this.#stopped.aborted) break
      }
      this.isFinished = !this.#stopped.aborted
    } catch (error) {
      this.error = error as Error
    }
    this.#tell()
  }

  #untilTaken(): Promise<void> {
    if (this.next === undefined || this.#stopped.aborted) return settled
    return new Promise((resolve) => {
      this.#taken = resolve
    })
  }

  #tell(): void {
    this.#hasNews = true
    this.#wake?.()
    this.#wake = undefined
    this.#waiting = undefined
  }
}
