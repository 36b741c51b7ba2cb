const encoder = new TextEncoder()

/** Writes a request. */
export class WireWriter {
  #bytes: Uint8Array
  #view: DataView
  #at = 0

  /** `capacity`: about how many bytes it will have. */
  constructor(capacity = 512) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#room(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.#view.setInt32(at, value)
  }

  int64(value: number): void {
    const at = this.#room(8)
    this.#view.setBigInt64(at, BigInt(value))
  }

  text(value: string | null): void {
    if (value === null) {
      this.int16(-1)
      return
    }
    const bytes = encoder.encode(value)
    this.int16(bytes.length)
    this.#put(bytes)
  }

  bytes(value: Uint8Array): void {
    this.int32(value.length)
    this.#put(value)
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.int32(items.length)
    for (const item of items) write(item)
  }

  /** A length as flexible requests have it: one more than there are, and seven bits in a byte. */
  compactLength(length: number): void {
    let rest = length + 1
    for (; rest > 127; rest >>>= 7) this.int8((rest & 127) - 128)
    this.int8(rest)
  }

  /** Text in a flexible request. */
  compactText(value: string): void {
    const bytes = encoder.encode(value)
    this.compactLength(bytes.length)
    this.#put(bytes)
  }

  /** The items of a flexible request; each has to end with its tags. */
  compactList<T>(items: readonly T[], write: (item: T) => void): void {
    this.compactLength(items.length)
    for (const item of items) write(item)
  }

  /** No tagged fields. */
  noTags(): void {
    this.int8(0)
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #put(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Where the next bytes begin. It may replace the view, so call it before the view is read. */
  #room(count: number): number {
    const at = this.#at
    this.#at += count
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#at, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}
