import type { ByteInput, ByteListener } from '../src/byte-input.ts'
import type { TextOutput } from '../src/text-output.ts'

/** A fake input that a test feeds; the initial chunks are delivered at once, then it ends. */
export class FakeInput implements ByteInput {
  isPaused = true
  #listener: ByteListener | undefined
  readonly #texts: readonly string[] | undefined

  constructor(texts?: readonly string[]) {
    this.#texts = texts
  }

  start(listener: ByteListener): void {
    if (this.#listener !== undefined) throw new Error('started twice')
    this.#listener = listener
    if (this.#texts !== undefined) void this.#sendAll(this.#texts)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  async #sendAll(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      await Promise.resolve()
      this.send(text)
    }
    this.end()
  }

  send(text: string | Uint8Array): void {
    this.#listener?.data(typeof text === 'string' ? new TextEncoder().encode(text) : text)
  }

  end(): void {
    this.#listener?.end()
  }

  fail(error: Error): void {
    this.#listener?.failed(error)
  }
}

/** A fake output that a test inspects. */
export class FakeOutput implements TextOutput {
  text = ''
  /** The result of writes from now on. */
  state: 'open' | 'closed' | Error = 'open'
  hasListener = true
  stopsRequested = 0

  write(text: string): Promise<'written' | 'closed'> {
    if (this.state instanceof Error) return Promise.reject(this.state)
    if (this.state === 'closed') return Promise.resolve('closed')
    this.text += text
    return Promise.resolve('written')
  }

  requestStop(): boolean {
    this.stopsRequested++
    return this.hasListener
  }
}
