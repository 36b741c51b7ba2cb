/**
 * A key of a stream: any JSON-like value, bigint or bytes.
 *
 * Two keys are equal when their canonical encodings are: `1` and `'1'` differ, `1` and `1n` differ, `0` and
 * `-0` are one key, `NaN` equals itself, objects compare by content in any order of fields, and `__proto__`
 * is a key like any other.
 */
export type Key =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly Key[]
  | { readonly [name: string]: Key }
