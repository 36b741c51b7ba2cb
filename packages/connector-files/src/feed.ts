import type { Chunk, Piece } from './chunk.ts'

const settled: Promise<void> = Promise.resolve()

/**
 * Fetches one chunk ahead of whoever takes them.
 *
 * True between any two calls: at most one chunk waits here and at most one is being read, so that memory is
 * bounded; after `isFinished` or `error` nothing comes any more but what waits.
 */
export class Feed {
  /** The chunk that is next, if it has arrived. */
  next: Chunk | undefined
  /** Whether everything that was in the file when it was last looked at has been handed out or is `next`. */
  isQuiet = false
  /** Whether the file has come to its end. */
  isFinished = false
  /** Whether its end is in the middle of what was written. */
  isTorn = false
  /** Why nothing more will come. Thrown only after everything before it was handed out. */
  error: Error | undefined
  readonly #stopped: AbortSignal
  readonly #done: Promise<void>
  #hasNews = false
  #wake: (() => void) | undefined
  #waiting: Promise<void> | undefined
  #taken: (() => void) | undefined

  /** Starts to read `pieces`, which must end soon after `stopped` aborts. */
  constructor(pieces: AsyncIterable<Piece>, stopped: AbortSignal) {
    this.#stopped = stopped
    this.#done = this.#pump(pieces)
    // Once only: Node keeps a combined signal, and all that listens to it, for as long as anybody does.
    stopped.addEventListener(
      'abort',
      () => {
        this.#taken?.()
        this.#tell()
      },
      { once: true },
    )
  }

  /** Takes `next`, and lets the one after it be fetched. */
  take(): Chunk | undefined {
    const chunk = this.next
    this.next = undefined
    this.#taken?.()
    return chunk
  }

  /** Says that everything there is to know now is known, so that `ready` waits for something new. */
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
