import type { ByteReader, ByteWriter } from './bytes.ts'

/**
 * Encodes values to bytes that later versions of the program can still decode.
 *
 * `id` and `version` are stored with the bytes. Increase `version` when the format changes and keep `decode`
 * able to read every version in existing checkpoints; change `id` for an unrelated format.
 */
export interface Codec<T> {
  readonly id: string
  /** A whole number from 1. */
  readonly version: number
  /** Appends `value` to `out`. Throws `CODEC_FAILED` for an unsupported value. */
  encode(value: T, out: ByteWriter): void
  /** Decodes one value that `encode` of the given version wrote. Throws `CODEC_FAILED` for invalid bytes. */
  decode(input: ByteReader, version: number): T
  /**
   * Decodes one value of a codec with another id, or returns undefined if it cannot. Absent: it reads only
   * its own. A value read by it is rewritten in the next checkpoint.
   */
  reader?(id: string, version: number): ((input: ByteReader) => T) | undefined
}

/** Numbers as eight bytes each. */
export const numberCodec: Codec<number> = {
  id: 'number',
  version: 1,
  encode: (value, out) => out.float64(value),
  decode: (input) => input.float64(),
}

/** Text as UTF-8; lone surrogates are kept. */
export const stringCodec: Codec<string> = {
  id: 'string',
  version: 1,
  encode: (value, out) => out.text(value),
  decode: (input) => input.text(),
}

/** No bytes at all: for cells whose existence is the value. */
export const nothingCodec: Codec<undefined> = {
  id: 'nothing',
  version: 1,
  encode: () => {},
  decode: () => undefined,
}
