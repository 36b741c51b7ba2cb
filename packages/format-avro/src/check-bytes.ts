import { MillraceError } from '@millrace/core'
import type { Type, types } from 'avsc'

/** Items without bytes, such as nulls, are allowed up to this number. */
const emptyItemsMax = 100_000
/** Nested deeper, a record is refused: as JSON is. */
const depthMax = 512

/**
 * Throws `DECODE_FAILED` unless bytes are a whole value of a type. Avro's library trusts the lengths in bytes: five bytes can
 * announce an array of a billion items, and it would make them.
 */
export function checkBytes(type: Type, bytes: Uint8Array): void {
  const walk = new Walk(bytes)
  walk.skip(type, 0)
  if (walk.at === bytes.length) return
  throw unfit(`${bytes.length - walk.at} bytes are left over`)
}

class Walk {
  at = 0
  readonly #bytes: Uint8Array
  #emptyItems = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  skip(type: Type, depth: number): void {
    if (depth > depthMax) throw unfit(`it is nested more than ${depthMax} levels deep`)
    const name = type.typeName
    switch (name) {
      case 'null':
        return
      case 'boolean':
        return this.#take(1)
      case 'int':
      case 'long':
      case 'abstract:long' as never:
        return void this.#long()
      case 'float':
        return this.#take(4)
      case 'double':
        return this.#take(8)
      case 'bytes':
      case 'string':
        return this.#take(this.#long())
      case 'fixed':
        return this.#take((type as types.FixedType).size)
      case 'enum':
        return this.#index((type as types.EnumType).symbols.length)
      case 'array':
        return this.#blocks((type as types.ArrayType).itemsType, false, depth)
      case 'map':
        return this.#blocks((type as types.MapType).valuesType, true, depth)
      case 'record':
      case 'error':
        for (const field of (type as types.RecordType).fields) this.skip(field.type, depth + 1)
        return
      default:
        return this.#other(type, depth)
    }
  }

  #other(type: Type, depth: number): void {
    if (type.typeName.startsWith('union:')) {
      const { types: branches } = type as types.UnwrappedUnionType
      const index = this.#long()
      const branch = branches[index]
      if (branch === undefined)
        throw unfit(`a union has ${branches.length} types, and the bytes name type ${index}`)
      return this.skip(branch, depth + 1)
    }
    const { underlyingType } = type as types.LogicalType
    if (underlyingType === undefined) throw unfit(`the type ${type.typeName} is not supported`)
    this.skip(underlyingType, depth)
  }

  #blocks(items: Type, hasKeys: boolean, depth: number): void {
    for (;;) {
      let count = this.#long()
      if (count === 0) return
      if (count < 0) {
        count = -count
        this.#long()
      }
      for (let item = 0; item < count; item++) {
        const before = this.at
        if (hasKeys) this.#take(this.#long())
        this.skip(items, depth + 1)
        if (this.at === before && ++this.#emptyItems > emptyItemsMax) {
          throw unfit(`there are more than ${emptyItemsMax} items without bytes`)
        }
      }
    }
  }

  #index(count: number): void {
    const index = this.#long()
    if (index < 0 || index >= count)
      throw unfit(`an enum has ${count} symbols, and the bytes name symbol ${index}`)
  }

  #take(count: number): void {
    if (count < 0) throw unfit(`a length is ${count}`)
    this.at += count
    if (this.at > this.#bytes.length) throw unfit('they end too early')
  }

  /** A number of variable length; one that is too large for a number loses its low digits, which no length has. */
  #long(): number {
    let value = 0
    let factor = 1
    for (let count = 0; ; count++) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw unfit('they end too early')
      value += (byte & 127) * factor
      factor *= 128
      if (byte < 128) break
      if (count === 9) throw unfit('a number has more than ten bytes')
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

function unfit(problem: string): MillraceError {
  return new MillraceError('DECODE_FAILED', `the bytes are not Avro of the schema: ${problem}`)
}
