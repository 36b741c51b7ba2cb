import { WireError } from './cursor.ts'

/** A larger answer is none: something else than a broker may be there. */
const frameBytesMax = 2 ** 28

/** Cuts a stream of bytes into answers: each has its length in front. */
export class Frames {
  readonly #take: (frame: Uint8Array) => void
  readonly #head = new Uint8Array(4)
  #headBytes = 0
  #frame: Uint8Array | undefined
  #filled = 0

  constructor(take: (frame: Uint8Array) => void) {
    this.#take = take
  }

  /** Throws a `WireError`. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const frame = this.#frame
      if (frame === undefined) {
        this.#head[this.#headBytes++] = bytes[at++]!
        if (this.#headBytes === 4) this.#begin()
        continue
      }
      const count = Math.min(frame.length - this.#filled, bytes.length - at)
      frame.set(bytes.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      this.#endIfWhole()
    }
  }

  #begin(): void {
    const length = new DataView(this.#head.buffer).getInt32(0)
    if (length < 4 || length > frameBytesMax) {
      const text = [...this.#head].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      throw new WireError(`what answers is no Kafka broker, or speaks TLS: its first bytes are ${text}`)
    }
    this.#headBytes = 0
    // It is handed on only when it is full, so what was in its memory is never seen.
    this.#frame = Buffer.allocUnsafeSlow(length)
    this.#filled = 0
  }

  #endIfWhole(): void {
    const frame = this.#frame!
    if (this.#filled < frame.length) return
    this.#frame = undefined
    this.#take(frame)
  }
}
