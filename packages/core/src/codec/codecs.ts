import type { Codec } from './codec.ts'

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
