import type { ByteInput, ByteListener } from './byte-input.ts'
import { LineSplitter, type Line } from './line-splitter.ts'

/** Above, the input is told to wait; below the half of it, to go on. */
const waitingBytesMax = 1024 * 1024

/**
 * The lines of an input, over all lives of a job: bytes come once, so whoever reads next goes on where the last
 * one stopped.
 */
export class StdinFeed implements ByteListener {
  /** Called when there may be another line, or none will ever come. */
  onNews: () => void = () => undefined
  /** Whether everything that has come has been handed out. */
  isDrained = true
  /** Whether no line will ever come again, once `isDrained`. */
  hasEnded = false
  /** Why the input broke off, if it did. */
  failure: Error | undefined
  readonly #input: ByteInput
  readonly #splitter: LineSplitter
  #isPaused = true

  constructor(input: ByteInput, lineBytesMax: number) {
    this.#input = input
    this.#splitter = new LineSplitter(lineBytesMax)
    input.start(this)
  }

  next(): Line | undefined {
    const line = this.#splitter.next()
    if (line === undefined) this.isDrained = true
    if (this.#isPaused && this.#splitter.waitingBytes <= waitingBytesMax / 2) this.resume()
    return line
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#input.pause()
  }

  resume(): void {
    if (!this.#isPaused || this.hasEnded) return
    this.#isPaused = false
    this.#input.resume()
  }

  data(bytes: Uint8Array): void {
    this.#splitter.push(bytes)
    if (this.#splitter.waitingBytes > waitingBytesMax) this.pause()
    this.#tell()
  }

  end(): void {
    this.#splitter.end()
    this.hasEnded = true
    this.#tell()
  }

  failed(error: Error): void {
    this.failure = error
    this.#tell()
  }

  #tell(): void {
    this.isDrained = false
    this.onNews()
  }
}
