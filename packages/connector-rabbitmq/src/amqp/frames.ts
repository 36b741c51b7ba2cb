import { AmqpError } from './amqp-error.ts'

/** Type, channel and length. */
export const frameHeadBytes = 7
export const frameEnd = 0xce
export const frameTypes = { method: 1, header: 2, body: 3, heartbeat: 8 } as const

/** Gets a frame: its payload is what is between `at` and `end`, valid until it returns. */
export type TakeFrame = (type: number, channel: number, bytes: Buffer, at: number, end: number) => void

/** Cuts a stream of bytes into frames. */
export class Frames {
  readonly #take: TakeFrame
  readonly #payloadMax: number
  /** The beginning of a frame that is not complete. */
  #kept: Buffer
  #keptBytes = 0

  /** `frameMax`: the bytes of the largest frame that the broker may send. */
  constructor(frameMax: number, take: TakeFrame) {
    this.#take = take
    this.#payloadMax = frameMax - frameHeadBytes - 1
    this.#kept = Buffer.allocUnsafeSlow(2 ** 12)
  }

  /** Whether a frame has begun that is not complete. */
  get isInside(): boolean {
    return this.#keptBytes > 0
  }

  /** Throws an `AmqpError`. */
  push(bytes: Buffer): void {
    let at = this.#complete(bytes)
    while (bytes.length - at >= frameHeadBytes) {
      const size = this.#sizeAt(bytes, at)
      if (bytes.length - at < size) break
      this.#dispatch(bytes, at, size)
      at += size
    }
    this.#keep(bytes, at, bytes.length)
  }

  /** Takes what lacks of the frame that has begun. Returns how many bytes that were. */
  #complete(bytes: Buffer): number {
    if (this.#keptBytes === 0) return 0
    let at = 0
    if (this.#keptBytes < frameHeadBytes) {
      at = Math.min(frameHeadBytes - this.#keptBytes, bytes.length)
      this.#keep(bytes, 0, at)
      if (this.#keptBytes < frameHeadBytes) return at
    }
    const size = this.#sizeAt(this.#kept, 0)
    const end = Math.min(at + size - this.#keptBytes, bytes.length)
    this.#keep(bytes, at, end)
    if (this.#keptBytes === size) {
      this.#keptBytes = 0
      this.#dispatch(this.#kept, 0, size)
    }
    return end
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    const size = this.#keptBytes + end - at
    if (size > this.#kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, this.#kept.length * 2))
      this.#kept.copy(larger, 0, 0, this.#keptBytes)
      this.#kept = larger
    }
    bytes.copy(this.#kept, this.#keptBytes, at, end)
    this.#keptBytes = size
  }

  /** The bytes of the frame whose head is at a place. */
  #sizeAt(bytes: Buffer, at: number): number {
    const payload = bytes.readUInt32BE(at + 3)
    if (payload > this.#payloadMax) {
      const head = [...bytes.subarray(at, at + frameHeadBytes)]
      const text = head.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      throw new AmqpError(
        `what answers is no broker of AMQP 0.9.1, or speaks TLS: a frame begins with the bytes ${text}`,
      )
    }
    return frameHeadBytes + payload + 1
  }

  #dispatch(bytes: Buffer, at: number, size: number): void {
    if (bytes[at + size - 1] !== frameEnd) throw new AmqpError('a frame does not end where its length says')
    this.#take(bytes[at]!, bytes.readUInt16BE(at + 1), bytes, at + frameHeadBytes, at + size - 1)
  }
}
