import type { ConnectorContext } from '@millrace/core/connector'
import { headroomBytes, type Piece } from './chunk.ts'
import { openPipe, type Pipe } from './pipe.ts'
import { unseen } from './position.ts'
import type { RawContent } from './raw-content.ts'

const nothing: Uint8Array = new Uint8Array(0)

/** Options for reading a pipe. */
export interface PipeOptions {
  /** Whether to wait for another writer when the last one has closed it. */
  readonly follow: boolean
  readonly chunkBytes: number
  readonly context: ConnectorContext
  readonly stopped: AbortSignal
}

/** The bytes of a pipe. They can be read once, so nothing is compared or read again. */
export class RawPipe implements RawContent {
  readonly path: string
  readonly #options: PipeOptions
  #pipe: Pipe
  #held = nothing
  /** How many bytes were read from the pipe. */
  taken: number

  /** `taken` bytes were read from it before. */
  constructor(path: string, pipe: Pipe, taken: number, options: PipeOptions) {
    this.path = path
    this.#pipe = pipe
    this.#options = options
    this.taken = taken
    options.stopped.addEventListener('abort', () => this.#pipe.close(), { once: true })
  }

  get isStopped(): boolean {
    return this.#options.stopped.aborted
  }

  async head(count: number): Promise<Uint8Array> {
    while (this.#held.length < count && (await this.#arrive())) {
      const bytes = this.#pipe.take(this.#options.chunkBytes)
      if (bytes !== undefined) this.#held = Buffer.concat([this.#held, bytes])
    }
    return this.#held.subarray(0, count)
  }

  async *pieces(): AsyncGenerator<Piece> {
    try {
      while (!this.isStopped) {
        const bytes = this.#held.length > 0 ? this.#held : this.#pipe.take(this.#options.chunkBytes)
        this.#held = nothing
        if (bytes !== undefined) yield this.#chunk(bytes)
        else if (this.#pipe.hasEnded && !(await this.#next())) return
        else if (!this.#pipe.hasEnded) {
          yield 'quiet'
          await this.#arrive()
        }
      }
    } finally {
      this.#pipe.close()
    }
  }

  /** Waits until bytes are available; false if none will come. */
  async #arrive(): Promise<boolean> {
    await this.#pipe.ready()
    return !this.isStopped && !this.#pipe.hasEnded
  }

  /** Waits for the next writer; false if the pipe is not followed. */
  async #next(): Promise<boolean> {
    if (!this.#options.follow) return false
    // Opened before the other is closed, so that writers always have a reader.
    const next = await openPipe(this.path)
    this.#pipe.close()
    this.#pipe = next
    if (this.isStopped) next.close()
    return true
  }

  #chunk(bytes: Uint8Array): Piece {
    const offset = this.taken
    this.taken += bytes.length
    const buffer = Buffer.allocUnsafeSlow(headroomBytes + bytes.length)
    buffer.set(bytes, headroomBytes)
    const [start, end] = [headroomBytes, buffer.length]
    return { buffer, begin: start, start, end, offset, seen: unseen, startsOver: false }
  }
}
