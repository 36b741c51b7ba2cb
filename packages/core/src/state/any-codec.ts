import type { ByteReader } from '../codec/bytes.ts'
import { nothingCodec, numberCodec, stringCodec, type Codec } from '../codec/codec.ts'
import { structuredCodec } from '../codec/structured-codec.ts'
import { MillraceError } from '../errors/errors.ts'
import { readStamped, stampOf } from './expiring-cell.ts'

/** Reads one value from a reader that ends where the value ends. */
export type ReadValue = (input: ByteReader) => unknown

/**
 * Knows how to read values by the id and version of the codec that wrote them; undefined for ids that it does not know.
 * `inner` does the same for a codec that is named in that id.
 */
export type StoredForm = (
  id: string,
  version: number,
  inner: (id: string, version: number) => ReadValue,
) => ReadValue | undefined

/** A value of a codec that only its program has: its bytes as they are stored. */
export class EncodedValue {
  /** The codec that wrote it. */
  readonly codec: string
  readonly version: number
  readonly bytes: Uint8Array

  constructor(codec: string, version: number, bytes: Uint8Array) {
    this.codec = codec
    this.version = version
    this.bytes = bytes
  }
}

/**
 * A codec that reads what any program has stored, to look at it without the program. Values of a codec that is not known
 * are `EncodedValue`s. It writes nothing.
 */
export function anyCodec(forms: readonly StoredForm[]): Codec<unknown> {
  return reading((id, version) => readerOf(id, version, forms))
}

/** A codec that reads no value, for counting them. */
export const countingCodec: Codec<unknown> = reading(() => (input) => {
  input.position = input.end
})

function reading(reader: (id: string, version: number) => ReadValue): Codec<unknown> {
  const refuse = (): never => {
    throw new MillraceError('CODEC_FAILED', 'a store that was opened for reading was asked to write')
  }
  // No stored codec has this id, so the store asks for a reader.
  return { id: '(any)', version: 1, encode: refuse, decode: refuse, reader }
}

const known: ReadonlyMap<string, Codec<unknown>> = new Map(
  [numberCodec, stringCodec, nothingCodec].map((codec) => [codec.id, codec as Codec<unknown>]),
)

function readerOf(id: string, version: number, forms: readonly StoredForm[]): ReadValue {
  const inner = (innerId: string, innerVersion: number): ReadValue => readerOf(innerId, innerVersion, forms)
  const stamped = stampOf(id)
  if (stamped.clock !== undefined) {
    const read = inner(stamped.id, version)
    return (input) => readStamped(input, stamped, read)
  }
  const structured = structuredCodec<unknown>()
  if (id === structured.id && version === structured.version)
    return (input) => structured.decode(input, version)
  // A codec that evolved from the structured one has its id, and usually its form.
  if (id === structured.id)
    return orEncoded(id, version, (input) => structured.decode(input, structured.version))
  const codec = known.get(id)
  if (codec?.version === version) return (input) => codec.decode(input, version)
  for (const form of forms) {
    const read = form(id, version, inner)
    if (read !== undefined) return read
  }
  return (input) => encoded(id, version, input)
}

/** What `read` returns if it reads all bytes of a value, else the bytes. */
function orEncoded(id: string, version: number, read: ReadValue): ReadValue {
  return (input) => {
    const start = input.position
    try {
      const value = read(input)
      if (input.position === input.end) return value
    } catch {
      // It has another form.
    }
    input.position = start
    return encoded(id, version, input)
  }
}

function encoded(id: string, version: number, input: ByteReader): EncodedValue {
  const bytes = input.bytes.slice(input.position, input.end)
  input.position = input.end
  return new EncodedValue(id, version, bytes)
}
