/**
 * The default codec: a tag, then the data of that tag.
 *
 * It preserves the sign of zero, holes in arrays, lone surrogates, fields named `__proto__`, and objects
 * without a prototype. It writes a tree: a shared part becomes two copies. As with structured clone, symbol
 * keys, accessors and non-enumerable fields are lost.
 *
 * The version is 1 permanently, because codecs that evolve from this one count from it. A new kind of value
 * may get a new tag; an incompatible format would be another codec.
 */
import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Codec } from './codec.ts'
import { jsonDepthMax } from './decode.ts'
import { MillraceError } from '../errors/errors.ts'
import { ObjectShapes } from './object-shapes.ts'
import { isPlainObject, setField } from './plain-object.ts'
import { kindOf, pathText } from '../errors/value-path.ts'

const tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** A whole number from 0 to 2^31 - 1, as a varint; larger ones are floats. */
  natural: 4,
  /** A whole number `n` from -2^31 to -1, as the varint of `-1 - n`. */
  negative: 5,
  float: 6,
  bigint: 7,
  text: 8,
  date: 9,
  bytes: 10,
  array: 11,
  /** Inside an array: a number of holes. */
  holes: 12,
  object: 13,
  /** An object without a prototype. */
  bareObject: 14,
  map: 15,
  set: 16,
} as const

/** The depth that a source accepts, plus room for wrappers added by operators. */
const depthMax = jsonDepthMax + 100

/**
 * Encodes and decodes undefined, null, booleans, numbers, bigint, text, `Date`, `Map`, `Set`, `Uint8Array`,
 * arrays and plain objects, in any nesting.
 *
 * Encoding throws `CODEC_FAILED` for other values, naming the place inside the value: functions, symbols,
 * instances of other classes, and values that are nested more than a few hundred levels deep or cyclic.
 */
export function structuredCodec<T>(): Codec<T> {
  return codec as Codec<T>
}

const codec: Codec<unknown> = {
  id: 'structured',
  version: 1,
  encode: (value, out) => write(value, out, 0),
  decode(input, version) {
    if (version !== 1) throw damaged(`are of version ${version} of the structured codec, which knows only 1`)
    return read(input, 0)
  },
}

const shapes = new ObjectShapes()

/** Where in the value `write` is: read only when it throws. Steps past the current depth are stale. */
const path: (string | number)[] = []

function write(value: unknown, out: ByteWriter, depth: number): void {
  switch (typeof value) {
    case 'string':
      out.byte(tag.text)
      return out.text(value)
    case 'number':
      return writeNumber(value, out)
    case 'boolean':
      return out.byte(value ? tag.true : tag.false)
    case 'undefined':
      return out.byte(tag.undefined)
    case 'object':
      return value === null ? out.byte(tag.null) : writeObject(value, out, depth)
    case 'bigint':
      out.byte(tag.bigint)
      return out.text(value.toString())
    case 'function':
    case 'symbol':
      throw unwritable(value, depth)
  }
}

function writeNumber(value: number, out: ByteWriter): void {
  const whole = value | 0
  if (whole !== value || (whole === 0 && Object.is(value, -0))) {
    out.byte(tag.float)
    out.float64(value)
  } else if (whole >= 0) {
    out.byte(tag.natural)
    out.varint(whole)
  } else {
    out.byte(tag.negative)
    out.varint(-1 - whole)
  }
}

function writeObject(value: object, out: ByteWriter, depth: number): void {
  if (depth >= depthMax) throw tooDeep()
  if (isPlainObject(value)) return writeFields(value, out, depth)
  if (Array.isArray(value)) return writeArray(value, out, depth)
  if (value instanceof Map) return writeMap(value, out, depth)
  if (value instanceof Set) return writeSet(value, out, depth)
  if (value instanceof Uint8Array) {
    out.byte(tag.bytes)
    return out.blob(value)
  }
  // oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
  if (!(value instanceof Date)) throw unwritable(value, depth)
  out.byte(tag.date)
  out.float64(value.getTime())
}

function writeFields(value: Record<string, unknown>, out: ByteWriter, depth: number): void {
  out.byte(Object.getPrototypeOf(value) === null ? tag.bareObject : tag.object)
  const names = Object.keys(value)
  shapes.write(names, out)
  for (const name of names) {
    path[depth] = name
    write(value[name], out, depth + 1)
  }
}

function writeArray(value: readonly unknown[], out: ByteWriter, depth: number): void {
  out.byte(tag.array)
  out.varint(value.length)
  for (let i = 0; i < value.length; i++) {
    const element = value[i]
    if (element === undefined && !(i in value)) {
      const first = i
      while (i + 1 < value.length && !(i + 1 in value)) i++
      out.byte(tag.holes)
      out.varint(i + 1 - first)
    } else {
      path[depth] = i
      write(element, out, depth + 1)
    }
  }
}

function writeMap(value: ReadonlyMap<unknown, unknown>, out: ByteWriter, depth: number): void {
  out.byte(tag.map)
  out.varint(value.size)
  let index = 0
  for (const [name, element] of value) {
    path[depth] = index++
    write(name, out, depth + 1)
    if (typeof name === 'string') path[depth] = name
    write(element, out, depth + 1)
  }
}

function writeSet(value: ReadonlySet<unknown>, out: ByteWriter, depth: number): void {
  out.byte(tag.set)
  out.varint(value.size)
  let index = 0
  for (const element of value) {
    path[depth] = index++
    write(element, out, depth + 1)
  }
}

function unwritable(value: unknown, depth: number): MillraceError {
  return new MillraceError(
    'CODEC_FAILED',
    `${strangeValue(value, depth)}, which the structured codec cannot write; store plain data there, or give the state its own codec`,
  )
}

function strangeValue(value: unknown, depth: number): string {
  const place = depth === 0 ? 'a value' : `the value at ${pathText(path.slice(0, depth))}`
  return `${place} is ${kindOf(value)}`
}

function tooDeep(): MillraceError {
  return new MillraceError('CODEC_FAILED', `${endlessValue()}; flatten it, or give the state its own codec`)
}

function endlessValue(): string {
  return `a value nests more than ${depthMax} levels deep or contains itself, at ${pathText(path)}`
}

/**
 * Why the structured codec cannot write `value`, as in `the value at .price is a function`; undefined if it
 * can. Costs a fifth of encoding.
 */
export function structuredFault(value: unknown): string | undefined {
  return faultOf(value, 0)
}

function faultOf(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'object':
      return value === null ? undefined : faultOfObject(value, depth)
    case 'function':
    case 'symbol':
      return strangeValue(value, depth)
    default:
      return undefined
  }
}

function faultOfObject(value: object, depth: number): string | undefined {
  if (depth >= depthMax) return endlessValue()
  if (isPlainObject(value)) return faultOfFields(value, depth)
  if (Array.isArray(value)) return faultOfElements(value, depth)
  if (value instanceof Map)
    return faultOfElements(value.keys(), depth) ?? faultOfElements(value.values(), depth)
  if (value instanceof Set) return faultOfElements(value, depth)
  // oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
  return value instanceof Uint8Array || value instanceof Date ? undefined : strangeValue(value, depth)
}

function faultOfFields(value: Record<string, unknown>, depth: number): string | undefined {
  for (const name of Object.keys(value)) {
    path[depth] = name
    const fault = faultOf(value[name], depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultOfElements(elements: Iterable<unknown>, depth: number): string | undefined {
  let index = 0
  for (const element of elements) {
    path[depth] = index++
    const fault = faultOf(element, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function damaged(what: string): MillraceError {
  return new MillraceError('CODEC_FAILED', `stored bytes ${what}`)
}

function read(input: ByteReader, depth: number): unknown {
  if (depth > depthMax) throw damaged('nest too deep; they are damaged')
  const kind = input.byte()
  switch (kind) {
    case tag.undefined:
      return undefined
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
    case tag.text:
      return input.text()
    case tag.bigint:
      return readBigint(input)
    case tag.date:
      // oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
      return new Date(input.float64())
    case tag.bytes:
      return input.blob().slice()
    case tag.array:
      return readArray(input, depth)
    case tag.object:
      return readFields({}, input, depth)
    case tag.bareObject:
      return readFields(Object.create(null) as Record<string, unknown>, input, depth)
    case tag.map:
      return readMap(input, depth)
    case tag.set:
      return readSet(input, depth)
    default:
      throw damaged(
        `hold no value where one should be (tag ${kind}); they are damaged or newer than this program`,
      )
  }
}

function readBigint(input: ByteReader): bigint {
  const digits = input.text()
  if (!/^-?\d+$/.test(digits)) throw damaged('hold no number where one should be; they are damaged')
  return BigInt(digits)
}

function readFields(
  object: Record<string, unknown>,
  input: ByteReader,
  depth: number,
): Record<string, unknown> {
  for (const name of shapes.read(input)) setField(object, name, read(input, depth + 1))
  return object
}

function readArray(input: ByteReader, depth: number): unknown[] {
  const length = input.varint()
  const array: unknown[] = []
  while (array.length < length) {
    if (input.peek() === tag.holes) {
      input.byte()
      const count = input.varint()
      if (count === 0 || array.length + count > Math.min(length, 0xffff_ffff)) {
        throw damaged('hold an array of the wrong length; they are damaged')
      }
      array.length += count
    } else {
      array.push(read(input, depth + 1))
    }
  }
  return array
}

function readMap(input: ByteReader, depth: number): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let i = input.varint(); i > 0; i--) map.set(read(input, depth + 1), read(input, depth + 1))
  return map
}

function readSet(input: ByteReader, depth: number): Set<unknown> {
  const set = new Set<unknown>()
  for (let i = input.varint(); i > 0; i--) set.add(read(input, depth + 1))
  return set
}
