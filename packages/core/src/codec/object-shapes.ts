import { ByteWriter, type ByteReader } from './bytes.ts'

/** The field names of an object, in order, as strings and as bytes. */
interface Shape {
  readonly names: readonly string[]
  readonly header: Uint8Array
}

const slots = 256

/**
 * Writes and reads the field names of an object: their number, then each as text.
 *
 * The values of a table have one or a few shapes. Caching some turns writing the names into comparing
 * references and copying bytes, and reading them into comparing bytes; creating each name, which the engine
 * must intern to use as a field, would cost more than reading the values. The cache does not affect the
 * bytes.
 */
export class ObjectShapes {
  readonly #byNames: (Shape | undefined)[] = Array.from({ length: slots }, () => undefined)
  readonly #byHeader: (Shape | undefined)[] = Array.from({ length: slots }, () => undefined)

  write(names: readonly string[], out: ByteWriter): void {
    const first = names[0]
    if (first === undefined) return out.byte(0)
    const slot = (names.length * 31 + first.length * 7 + first.charCodeAt(0)) & (slots - 1)
    let shape = this.#byNames[slot]
    if (shape === undefined || !isSame(shape.names, names)) {
      shape = { names, header: headerOf(names) }
      this.#byNames[slot] = shape
    }
    out.raw(shape.header)
  }

  read(input: ByteReader): readonly string[] {
    const { bytes, position } = input
    // Missing bytes are undefined and still give a slot.
    const slot = (bytes[position]! * 31 + bytes[position + 1]! * 7 + bytes[position + 2]!) & (slots - 1)
    const known = this.#byHeader[slot]
    if (known !== undefined && input.skip(known.header)) return known.names
    const names: string[] = []
    for (let count = input.varint(); count > 0; count--) names.push(input.text())
    this.#byHeader[slot] = { names, header: bytes.slice(position, input.position) }
    return names
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function headerOf(names: readonly string[]): Uint8Array {
  const out = new ByteWriter(16 * names.length)
  out.varint(names.length)
  for (const name of names) out.text(name)
  return out.written().slice()
}
