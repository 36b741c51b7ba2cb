import type { ByteReader, ByteWriter } from './bytes.ts'

/**
 * Turns values into bytes that a later version of the program can still read.
 *
 * `id` and `version` are stored beside the bytes. Raise `version` when the format changes and keep
 * `decode` able to read every version that a checkpoint in use may hold; change `id` when the two
 * have nothing in common.
 */
export interface Codec<T> {
  readonly id: string
  /** A whole number from 1. */
  readonly version: number
  /** Appends `value` to `out`. Throws `CODEC_FAILED` for what it cannot write. */
  encode(value: T, out: ByteWriter): void
  /** Reads one value that `encode` of the given version wrote. Throws `CODEC_FAILED` for bytes it cannot read. */
  decode(input: ByteReader, version: number): T
  /**
   * Reads one value that a codec of another id wrote, or undefined if this one cannot. Absent: it reads only its own.
   * A value that was read by it is written anew with the next checkpoint.
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

/** No bytes at all: for cells that matter by being there. */
export const nothingCodec: Codec<undefined> = {
  id: 'nothing',
  version: 1,
  encode: () => {},
  decode: () => undefined,
}
