import type { ByteInput, ByteListener } from './byte-input.ts'
import { LineSplitter, type Line } from '@millrace/core/connector'

/** Above this many bytes the input is paused; below half of it, resumed. */
const waitingBytesMax = 1024 * 1024

/**
 * The lines of an input, shared by all runs of a job in this process: input cannot be read again, so each
 * reader continues where the previous one stopped.
 */
export class StdinFeed implements ByteListener {
  /** Called when another line may be available, or when none will come. */
  onNews: () => void = () => undefined
  /** Whether every received line has been returned. */
  isDrained = true
  /** Whether no further line will come, once `isDrained`. */
  hasEnded = false
  /** Why the input failed, if it did. */
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

  /** The bytes of all lines that were returned, with their line ends. */
  get returnedBytes(): number {
    return this.#splitter.passedBytes
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
