import { frameEnd, frameHeadBytes } from './frames.ts'

const leastBytes = 2 ** 12
/** The next buffer is as large as the last one, up to this. */
const keptBytes = 2 ** 20

/** Collects the frames that are to be sent. */
export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(leastBytes)
  #at = 0
  #frame = 0

  get isEmpty(): boolean {
    return this.#at === 0
  }

  /** All frames since the last call. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#at)
    // What was handed out is sent later.
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(leastBytes, this.#at), keptBytes))
    this.#at = 0
    return bytes
  }

  /** Begins a frame. */
  begin(type: number, channel: number): void {
    this.#frame = this.#at
    this.uint8(type)
    this.uint16(channel)
    this.uint32(0)
  }

  /** Ends the frame that was begun last. */
  end(): void {
    this.#bytes.writeUInt32BE(this.#at - this.#frame - frameHeadBytes, this.#frame + 3)
    this.uint8(frameEnd)
  }

  /** A place among the frames. */
  get mark(): number {
    return this.#at
  }

  /** Takes back everything since a place. */
  reset(mark: number): void {
    this.#at = mark
  }

  uint8(value: number): void {
    const at = this.#room(1)
    this.#bytes[at] = value
  }

  uint16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeUInt16BE(value, at)
  }

  uint32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeUInt32BE(value, at)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeInt32BE(value, at)
  }

  /** An integer of 64 bits that a number can hold. */
  int64(value: number): void {
    const at = this.#room(8)
    this.#bytes.writeBigInt64BE(BigInt(value), at)
  }

  double(value: number): void {
    const at = this.#room(8)
    this.#bytes.writeDoubleBE(value, at)
  }

  letter(letter: string): void {
    this.uint8(letter.charCodeAt(0))
  }

  /** Throws a `RangeError` for text of more than 255 bytes. */
  shortText(text: string): void {
    const length = text === '' ? 0 : Buffer.byteLength(text)
    if (length > 255) throw new RangeError('a text has more than 255 bytes')
    this.uint8(length)
    if (length > 0) this.#text(text, length)
  }

  longText(text: string): void {
    const length = Buffer.byteLength(text)
    this.uint32(length)
    this.#text(text, length)
  }

  longBytes(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    this.bytes(bytes)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Writes what has its length in front. */
  within(write: () => void): void {
    const at = this.#at
    this.uint32(0)
    write()
    this.#bytes.writeUInt32BE(this.#at - at - 4, at)
  }

  #text(text: string, length: number): void {
    const at = this.#room(length)
    this.#bytes.write(text, at, 'utf8')
  }

  #room(count: number): number {
    const at = this.#at
    this.#at = at + count
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
