/** Tables: the headers of messages, and the arguments of methods. */
import { AmqpError } from './amqp-error.ts'
import type { Cursor } from './cursor.ts'
import type { FrameWriter } from './frame-writer.ts'

/** A value in a table. A time has the form `{ '!': 'timestamp', value: seconds }`. */
export type TableValue =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly TableValue[]
  | { readonly [name: string]: TableValue }

export type Table = Readonly<Record<string, TableValue>>

/** What is nested deeper is no table of anyone. */
const depthMax = 64

/** Throws an `AmqpError`. */
export function readTable(cursor: Cursor, depth = 0): Table {
  if (depth > depthMax) throw new AmqpError(`a table is nested deeper than ${depthMax} times`)
  return cursor.within(() => {
    const table: Record<string, TableValue> = {}
    while (cursor.left > 0) setField(table, cursor.shortText(), readValue(cursor, depth))
    return table
  })
}

/** Writes a table. Throws a `TypeError` for what has no form in the protocol. */
export function writeTable(out: FrameWriter, table: Table): void {
  out.within(() => {
    for (const [name, value] of Object.entries(table)) {
      if (value === undefined) continue
      out.shortText(name)
      writeValue(out, value)
    }
  })
}

/** A name that data chooses, such as __proto__, is an ordinary field. */
function setField(table: Record<string, TableValue>, name: string, value: TableValue): void {
  if (name !== '__proto__') table[name] = value
  else Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Readers by the letter that says what a value is. */
const readers: Readonly<Record<string, (cursor: Cursor, depth: number) => TableValue>> = {
  t: (cursor) => cursor.uint8() !== 0,
  b: (cursor) => cursor.int8(),
  B: (cursor) => cursor.uint8(),
  s: (cursor) => cursor.int16(),
  u: (cursor) => cursor.uint16(),
  I: (cursor) => cursor.int32(),
  i: (cursor) => cursor.uint32(),
  l: (cursor) => cursor.int64(),
  f: (cursor) => cursor.float(),
  d: (cursor) => cursor.double(),
  D: (cursor) => ({ '!': 'decimal', value: { places: cursor.uint8(), digits: cursor.uint32() } }),
  S: (cursor) => cursor.longText(),
  x: (cursor) => cursor.longBytes(),
  T: (cursor) => ({ '!': 'timestamp', value: cursor.int64() }),
  V: () => null,
  F: (cursor, depth) => readTable(cursor, depth + 1),
  A: (cursor, depth) => {
    if (depth >= depthMax) throw new AmqpError(`a list is nested deeper than ${depthMax} times`)
    return cursor.within(() => {
      const values: TableValue[] = []
      while (cursor.left > 0) values.push(readValue(cursor, depth + 1))
      return values
    })
  },
}

function readValue(cursor: Cursor, depth: number): TableValue {
  const letter = String.fromCharCode(cursor.uint8())
  if (!Object.hasOwn(readers, letter))
    throw new AmqpError(`a table has a value of the unknown type ${JSON.stringify(letter)}`)
  return readers[letter]!(cursor, depth)
}

function writeValue(out: FrameWriter, value: TableValue): void {
  if (typeof value === 'string') {
    out.letter('S')
    out.longText(value)
  } else if (typeof value === 'boolean') {
    out.letter('t')
    out.uint8(value ? 1 : 0)
  } else if (typeof value === 'number') writeNumber(out, value)
  else if (value === null) out.letter('V')
  else if (value instanceof Uint8Array) {
    out.letter('x')
    out.longBytes(value)
  } else if (isList(value)) {
    out.letter('A')
    out.within(() => {
      for (const each of value) writeValue(out, each)
    })
  } else if (typeof value === 'object') writeObject(out, value)
  else throw new TypeError(`a table cannot hold ${typeof value}`)
}

function writeNumber(out: FrameWriter, value: number): void {
  if (!Number.isSafeInteger(value)) {
    out.letter('d')
    out.double(value)
  } else if (value === (value | 0)) {
    out.letter('I')
    out.int32(value)
  } else {
    out.letter('l')
    out.int64(value)
  }
}

function writeObject(out: FrameWriter, value: { readonly [name: string]: TableValue }): void {
  const kind = Object.hasOwn(value, '!') ? value['!'] : undefined
  if (kind === undefined) {
    out.letter('F')
    writeTable(out, value)
    return
  }
  const of = value['value']
  if (kind === 'timestamp' && typeof of === 'number' && Number.isSafeInteger(of)) {
    out.letter('T')
    out.int64(of)
    return
  }
  const { places, digits } = (of ?? {}) as { readonly places?: unknown; readonly digits?: unknown }
  if (kind !== 'decimal' || !isUnsigned(places, 2 ** 8) || !isUnsigned(digits, 2 ** 32)) {
    throw new TypeError(
      "a table has an object with the field '!' that is neither a timestamp nor a decimal number",
    )
  }
  out.letter('D')
  out.uint8(places)
  out.uint32(digits)
}

function isList(value: TableValue): value is readonly TableValue[] {
  return Array.isArray(value)
}

function isUnsigned(value: unknown, end: number): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < end
}
