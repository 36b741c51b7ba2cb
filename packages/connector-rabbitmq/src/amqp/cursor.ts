import { AmqpError } from './amqp-error.ts'

/** Reads the payload of a frame. Every read is checked, and throws an `AmqpError`. One cursor reads many frames. */
export class Cursor {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  /** Begins to read the bytes from `at` up to `end`. */
  reset(bytes: Buffer, at: number, end: number): this {
    this.#bytes = bytes
    this.#at = at
    this.#end = end
    return this
  }

  get left(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  /** An integer of 64 bits without a sign, which a number can hold. */
  uint64(): number {
    const at = this.#take(8)
    const value = this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw new AmqpError(`the number ${value} is too large`)
    return value
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  /** An integer of 64 bits. Large ones lose their last digits. */
  int64(): number {
    const at = this.#take(8)
    return this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
  }

  float(): number {
    return this.#bytes.readFloatBE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#take(8))
  }

  /** Text of up to 255 bytes. */
  shortText(): string {
    return this.#text(this.uint8())
  }

  longText(): string {
    return this.#text(this.uint32())
  }

  /** A copy of bytes that have their length in front. */
  longBytes(): Buffer {
    return this.bytes(this.uint32())
  }

  /** A copy of so many bytes. */
  bytes(length: number): Buffer {
    const at = this.#take(length)
    return Buffer.from(this.#bytes.subarray(at, at + length))
  }

  /** Copies everything that is left. */
  copy(to: Buffer, at: number): void {
    const from = this.#take(this.left)
    this.#bytes.copy(to, at, from, this.#end)
  }

  /** Reads what has its length in front, and only that. */
  within<T>(read: () => T): T {
    const length = this.uint32()
    const end = this.#end
    this.#end = this.#take(length) + length
    this.#at = this.#end - length
    const value = read()
    this.#end = end
    return value
  }

  #text(length: number): string {
    const at = this.#take(length)
    return length === 0 ? '' : this.#bytes.toString('utf8', at, at + length)
  }

  #take(count: number): number {
    const at = this.#at
    if (count > this.#end - at) throw new AmqpError('a frame ends in the middle of a value')
    this.#at = at + count
    return at
  }
}
