import type { ByteReader } from './bytes.ts'

const slots = 512
const longest = 32

/**
 * Reads the names of fields and gives back the same string for the same bytes.
 *
 * A table of values of one shape repeats the same few names for every cell. Making each anew and having the engine
 * look it up to become a property name costs more than reading the value behind it.
 */
export class FieldNames {
  readonly #names: (string | undefined)[] = Array.from({ length: slots }, () => undefined)

  /** A name that `ByteWriter.text` wrote. */
  read(input: ByteReader): string {
    const { bytes, position } = input
    const length = bytes[position]!
    // Lengths below 128 are one byte. A short read at the end of the bytes is the reader's to report.
    if (length > longest || position + 1 + length > input.end) return input.text()
    let hash = length
    for (let i = position + 1; i <= position + length; i++) hash = (hash * 31 + bytes[i]!) | 0
    const slot = hash & (slots - 1)
    const known = this.#names[slot]
    if (known !== undefined && matches(known, bytes, position + 1, length)) {
      input.position = position + 1 + length
      return known
    }
    const name = input.text()
    this.#names[slot] = name
    return name
  }
}

function matches(name: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false
  // Bytes over 0x7f are no ASCII and equal no unit that this compares them with, except by accident: refuse them.
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!
    if (byte > 0x7f || name.charCodeAt(i) !== byte) return false
  }
  return true
}
