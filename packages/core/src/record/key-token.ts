/**
 * Keys in a form that a `Map` can look up.
 *
 * A primitive is its own token, except a string that begins with NUL. A token that begins with NUL is either
 * such a string, after a second NUL, or the canonical text of a composite key: NUL and then, for each value
 * inside,
 *
 *     n t f            null, true, false
 *     d<number>;       a number         i<digits>;      a bigint
 *     s<length>:<text> a string         b<length>:<one character per byte>
 *     [ ... ]          an array         { ... }         an object: names (as s) and values, sorted by name
 *
 * Nothing in it needs escaping, and no text of one key is a prefix of another's. The text is stored in
 * checkpoints and hashed for key groups, so it never changes.
 */
import type { ByteReader, ByteWriter } from '../codec/bytes.ts'
import { MillraceError } from '../errors/errors.ts'
import type { Key } from './key.ts'
import { isPlainObject, setField } from '../codec/plain-object.ts'
import { isThenable, refusePromise } from '../errors/synchronous.ts'
import { kindOf, pathText } from '../errors/value-path.ts'

/**
 * A key in a form that a `Map` can look up: primitives unchanged, everything else as unique text. Free for
 * strings and numbers, which most keys are.
 */
export type KeyToken = string | number | bigint | boolean | null

/** Increased when the token of any key changes: state is stored by token. */
export const keyEncoding = 1

const depthMax = 64

/**
 * The token of `key`; equal keys have equal tokens.
 *
 * For an object the own enumerable fields count. Throws `KEY_INVALID` for invalid keys: undefined, functions,
 * symbols, instances of classes (dates, maps), and values that are nested too deep or cyclic.
 *
 * @example
 * keyToken('amsterdam') // => 'amsterdam'
 * keyToken({ b: 1, a: 2 }) === keyToken({ a: 2, b: 1 }) // => true
 */
export function keyToken(key: Key): KeyToken {
  if (typeof key === 'string') return key.charCodeAt(0) === 0 ? `\0${key}` : key
  // Adding zero turns -0 into 0 and leaves every other number unchanged.
  if (typeof key === 'number') return key + 0
  if (typeof key === 'bigint' || typeof key === 'boolean' || key === null) return key
  return `\0${canonicalText(key, 0)}`
}

/** A key equal to the one of `token`; composite keys are rebuilt. */
export function tokenKey(token: KeyToken): Key {
  if (typeof token !== 'string' || token.charCodeAt(0) !== 0) return token
  if (token.charCodeAt(1) === 0) return token.slice(1)
  const reader = new CanonicalReader(token, 1)
  const key = reader.value(0)
  if (reader.position !== token.length) throw damaged()
  return key
}

/** Where in the key `canonicalText` is: read only when it throws. Steps past the current depth are stale. */
const path: (string | number)[] = []

function canonicalText(value: unknown, depth: number): string {
  if (typeof value === 'string') return `s${value.length}:${value}`
  if (typeof value === 'number') return `d${value};`
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (typeof value === 'bigint') return `i${value};`
  if (value === null) return 'n'
  if (typeof value !== 'object') throw invalid(value, depth)
  if (depth >= depthMax) throw tooDeep()
  if (Array.isArray(value)) return arrayText(value, depth)
  if (value instanceof Uint8Array) return bytesText(value)
  if (!isPlainObject(value)) throw invalid(value, depth)
  let text = '{'
  for (const name of sortedNames(value)) {
    path[depth] = name
    text += `s${name.length}:${name}${canonicalText(value[name], depth + 1)}`
  }
  return `${text}}`
}

/** The names of the fields, sorted. Most programs write them in one order, and in few keys it takes a sort. */
function sortedNames(value: object): readonly string[] {
  const names = Object.keys(value)
  for (let i = 1; i < names.length; i++) if (names[i]! < names[i - 1]!) return names.sort()
  return names
}

function arrayText(array: readonly unknown[], depth: number): string {
  let text = '['
  for (let i = 0; i < array.length; i++) {
    path[depth] = i
    text += canonicalText(array[i], depth + 1)
  }
  return `${text}]`
}

function bytesText(bytes: Uint8Array): string {
  let text = `b${bytes.length}:`
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

function invalid(value: unknown, depth: number): MillraceError {
  if (isThenable(value)) refusePromise(value, 'the function of keyBy returned')
  const place = depth === 0 ? 'a key' : `a key's value at ${pathText(path.slice(0, depth))}`
  return new MillraceError('KEY_INVALID', `${place} is ${kindOf(value)}; ${advice(value)}`)
}

function advice(value: unknown): string {
  if (value === undefined) return 'key such records by null, or filter them out before'
  if (typeof value === 'object') {
    const { getTime } = value as { getTime?: unknown }
    if (typeof getTime === 'function') return 'key by its getTime() or toISOString()'
  }
  return 'key by text, numbers, bigint, booleans, null, bytes, or arrays and plain objects of these'
}

function tooDeep(): MillraceError {
  return new MillraceError(
    'KEY_INVALID',
    `a key nests more than ${depthMax} levels deep or contains itself, at ${pathText(path)}; key by fewer of its fields`,
  )
}

function damaged(): MillraceError {
  return new MillraceError('CODEC_FAILED', 'the text of a stored key is damaged')
}

/** Parses canonical text, which may be damaged. */
class CanonicalReader {
  readonly #text: string
  position: number

  constructor(text: string, position: number) {
    this.#text = text
    this.position = position
  }

  value(depth: number): Key {
    if (depth > depthMax) throw damaged()
    switch (this.#text[this.position++]) {
      case 'n':
        return null
      case 't':
        return true
      case 'f':
        return false
      case 'd':
        return Number(this.#until(';'))
      case 'i':
        return this.#bigint()
      case 's':
        return this.#sized()
      case 'b':
        return Uint8Array.from(this.#sized(), (character) => character.charCodeAt(0))
      case '[':
        return this.#array(depth)
      case '{':
        return this.#object(depth)
      default:
        throw damaged()
    }
  }

  #array(depth: number): Key[] {
    const array: Key[] = []
    while (this.#text[this.position] !== ']') array.push(this.value(depth + 1))
    this.position++
    return array
  }

  #object(depth: number): Key {
    const object: Record<string, Key> = {}
    while (this.#text[this.position] !== '}') {
      if (this.#text[this.position++] !== 's') throw damaged()
      const name = this.#sized()
      setField(object, name, this.value(depth + 1))
    }
    this.position++
    return object
  }

  #bigint(): bigint {
    const digits = this.#until(';')
    if (!/^-?\d+$/.test(digits)) throw damaged()
    return BigInt(digits)
  }

  #sized(): string {
    const start = this.position
    const length = Number(this.#until(':'))
    const end = this.position + length
    if (!Number.isSafeInteger(length) || start === end || end > this.#text.length) throw damaged()
    const text = this.#text.slice(this.position, end)
    this.position = end
    return text
  }

  #until(mark: string): string {
    const end = this.#text.indexOf(mark, this.position)
    if (end === -1) throw damaged()
    const text = this.#text.slice(this.position, end)
    this.position = end + 1
    return text
  }
}

const tag = {
  null: 0,
  false: 1,
  true: 2,
  /** A whole number from 0, as a varint. */
  natural: 3,
  /** A negative whole number `n`, as the varint of `-1 - n`. */
  negative: 4,
  float: 5,
  bigint: 6,
  text: 7,
} as const

/** Appends a token to `out`; equal tokens are equal bytes. */
export function writeToken(token: KeyToken, out: ByteWriter): void {
  if (typeof token === 'string') {
    out.byte(tag.text)
    out.text(token)
  } else if (typeof token === 'number') {
    writeNumber(token, out)
  } else if (typeof token === 'bigint') {
    out.byte(tag.bigint)
    out.text(token.toString())
  } else if (token === null) {
    out.byte(tag.null)
  } else {
    out.byte(token ? tag.true : tag.false)
  }
}

function writeNumber(token: number, out: ByteWriter): void {
  if (!Number.isSafeInteger(token)) {
    out.byte(tag.float)
    out.float64(token)
  } else if (token >= 0) {
    out.byte(tag.natural)
    out.varint(token)
  } else {
    out.byte(tag.negative)
    out.varint(-1 - token)
  }
}

/** Reads the output of `writeToken`. Throws `CODEC_FAILED` for invalid bytes. */
export function readToken(input: ByteReader): KeyToken {
  const kind = input.byte()
  switch (kind) {
    case tag.null:
      return null
    case tag.false:
      return false
    case tag.true:
      return true
    case tag.natural:
      return input.varint()
    case tag.negative:
      return -1 - input.varint()
    case tag.float:
      return input.float64()
    case tag.bigint: {
      const digits = input.text()
      if (/^-?\d+$/.test(digits)) return BigInt(digits)
      break
    }
    case tag.text:
      return input.text()
    default:
  }
  throw new MillraceError('CODEC_FAILED', `stored bytes hold no key where one should be (tag ${kind})`)
}
