/** Bytes that no broker sends: cut short, or with a length that cannot be. */
export class WireError extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'WireError'
  }
}

const utf8 = new TextDecoder()

/** Reads an answer of a broker. Every read is checked, and throws a `WireError`. */
export class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  /** An integer of 64 bits that a number can hold. */
  int64(): number {
    return int64At(this.#view, this.#take(8))
  }

  text(): string {
    const text = this.nullableText()
    if (text === null) throw new WireError('a text is missing')
    return text
  }

  nullableText(): string | null {
    const length = this.int16()
    if (length < 0) return null
    const at = this.#take(length)
    return utf8.decode(this.#bytes.subarray(at, at + length))
  }

  /** A view of bytes that have their length in front; none for null. */
  bytes(): Uint8Array {
    const length = Math.max(this.int32(), 0)
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** As many items as the number in front says; none for null. */
  list<T>(item: () => T): T[] {
    const count = this.int32()
    // Each takes a byte at least, so a false count ends here and not with all memory.
    if (count > this.left) throw new WireError(`${count} items cannot be in ${this.left} bytes`)
    const items: T[] = []
    for (let index = 0; index < count; index++) items.push(item())
    return items
  }

  /** Text in a flexible answer; "" for null. */
  compactText(): string {
    const length = Math.max(this.#varint() - 1, 0)
    const at = this.#take(length)
    return utf8.decode(this.#bytes.subarray(at, at + length))
  }

  /** The items of a flexible answer; each ends with its tags. */
  compactList<T>(item: () => T): T[] {
    const count = this.#varint() - 1
    const items: T[] = []
    // Each reads a byte at least, so a false count fails at the end of the answer.
    for (let index = 0; index < count; index++) items.push(item())
    return items
  }

  /** Passes over tagged fields: what a newer broker adds. */
  skipTags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.#take(this.#varint())
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.int8() & 255
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new WireError('a length has more than five bytes')
  }

  #take(count: number): number {
    const at = this.#at
    if (count > this.#bytes.length - at) {
      throw new WireError(`the answer ends after ${this.#bytes.length} bytes, in the middle of a value`)
    }
    this.#at = at + count
    return at
  }
}

/** The integer of 64 bits at a place. Throws a `WireError` if a number cannot hold it. */
export function int64At(view: DataView, at: number): number {
  const value = view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
  if (!Number.isSafeInteger(value)) throw new WireError(`the number ${value} is too large`)
  return value
}
