import { WireError } from '../cursor.ts'

/** So many bytes a batch may have when it is decompressed. More is an attack, or a mistake. */
export const batchBytesMax: number = 2 ** 28

/** Bytes of which the number is not known before they are there. */
export class GrowingBytes {
  bytes: Uint8Array
  length = 0

  constructor(expected: number) {
    if (expected > batchBytesMax) throw tooLarge(expected)
    this.bytes = new Uint8Array(Math.max(expected, 64))
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    if (needed > batchBytesMax) throw tooLarge(needed)
    const larger = new Uint8Array(Math.min(Math.max(needed, this.bytes.length * 2), batchBytesMax))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  append(part: Uint8Array): void {
    this.reserve(part.length)
    this.bytes.set(part, this.length)
    this.length += part.length
  }

  /** Repeats bytes that are there: `count` of them, from `distance` before the end. They may overlap with what is written. */
  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.length) {
      throw new WireError(`compressed bytes refer to ${distance} bytes before, where ${this.length} are`)
    }
    this.reserve(count)
    const { bytes } = this
    let to = this.length
    let from = to - distance
    if (distance >= count) bytes.copyWithin(to, from, from + count)
    else for (const end = to + count; to < end;) bytes[to++] = bytes[from++]!
    this.length += count
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

function tooLarge(bytes: number): WireError {
  return new WireError(`a batch has ${bytes} bytes when it is decompressed, and ${batchBytesMax} are allowed`)
}
