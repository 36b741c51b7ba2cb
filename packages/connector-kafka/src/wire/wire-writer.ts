const encoder = new TextEncoder()

/** Writes a request. */
export class WireWriter {
  #bytes = new Uint8Array(512)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    this.#view.setInt8(this.#room(1), value)
  }

  int16(value: number): void {
    this.#view.setInt16(this.#room(2), value)
  }

  int32(value: number): void {
    this.#view.setInt32(this.#room(4), value)
  }

  int64(value: number): void {
    this.#view.setBigInt64(this.#room(8), BigInt(value))
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

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #put(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

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
