import { ManualClock, seededRandom } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMillraceError } from '@millrace/core'
import type { FormatContext } from '@millrace/core/connector'
import { wireRecord } from '@millrace/schema-registry'
import { avro } from '../src/index.ts'
import { MemorySchemas } from './memory-schemas.ts'

interface Order {
  readonly id: string
  readonly cents: number
  readonly tags: readonly string[]
  readonly note: string | null
}

const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: 'long', default: 0 },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
} as const
const order: Order = { id: 'ä1', cents: 2_500, tags: ['a', 'b'], note: 'x' }
const context: FormatContext = {
  clock: new ManualClock(),
  random: seededRandom(1),
  signal: new AbortController().signal,
  warn: () => {},
  down: () => {},
  trying: () => {},
  up: () => {},
  what: 'sink out',
  topic: 'orders',
}
const refused = expect.objectContaining({ code: 'DECODE_FAILED' })

describe('Avro without a registry', () => {
  const format = avro.format<Order>({ schema })

  test('reads what it has written', () => {
    expect({ ...format.decode(format.encode(order)) }).toEqual(order)
  })

  test('refuses a value that does not fit, with the value', () => {
    expect(() => format.encode({ ...order, cents: 'many' as never })).toThrow(
      expect.objectContaining({ code: 'CODEC_FAILED', message: expect.stringContaining('many') }),
    )
  })

  test('refuses bytes that are cut, changed or made up, and never throws anything else', () => {
    const bytes = format.encode(order)
    for (let end = 0; end < bytes.length; end++)
      expect(() => format.decode(bytes.slice(0, end))).toThrow(refused)
    expect(() => format.decode(Uint8Array.of(...bytes, 0))).toThrow(refused)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (made) => {
        try {
          format.decode(made)
        } catch (error) {
          expect(isMillraceError(error, 'DECODE_FAILED')).toBe(true)
        }
      }),
    )
  })

  test('does not make what a few bytes announce: a billion items, a deep list, a huge text', () => {
    const billion = [0x80, 0x80, 0x80, 0x80, 0x10]
    const nulls = avro.format<unknown>({ schema: { type: 'array', items: 'null' } })
    expect(() => nulls.decode(Uint8Array.of(...billion, 0))).toThrow(/items without bytes/)
    expect(() => format.decode(Uint8Array.of(0, 0, ...billion, 0))).toThrow(/end too early/)
    expect(() => format.decode(Uint8Array.of(...billion))).toThrow(/end too early/)
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }
    const deep = avro.format<unknown>({ schema: list })
    expect(deep.decode(Uint8Array.of(2, 2, 0))).toEqual({ next: { next: { next: null } } })
    expect(() => deep.decode(new Uint8Array(100_000).fill(2))).toThrow(/levels deep/)
  })

  test('refuses a long that a number cannot represent', () => {
    const long = avro.format<number>({ schema: 'long' })
    expect(() =>
      long.decode(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)),
    ).toThrow(refused)
  })

  test('has names such as __proto__ as ordinary keys of a map', () => {
    const map = avro.format<Record<string, number>>({ schema: { type: 'map', values: 'int' } })
    const text = [...new TextEncoder().encode('__proto__')]
    const decoded = map.decode(Uint8Array.of(2, text.length * 2, ...text, 2, 0))
    expect(Object.getPrototypeOf(decoded)).not.toBe(1)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('Avro with a registry', () => {
  test('writes the id of its schema, and reads records of older and newer schemas as its own', async () => {
    const registry = new MemorySchemas()
    const format = avro.format<Order>({ schema, registry })
    await format.beginWriting!(context)
    expect(registry.subjects).toEqual(['orders-value'])
    const bytes = format.encode(order)
    expect(Array.from(bytes.slice(0, 5))).toEqual([0, 0, 0, 0, 1])

    const old = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] }
    const newer = { ...schema, fields: [{ name: 'extra', type: 'int' }, ...schema.fields] }
    registry.put(8, JSON.stringify(old))
    registry.put(9, JSON.stringify(newer))
    const oldBytes = avro.format<unknown>({ schema: old }).encode({ id: 'o' })
    const newBytes = avro.format<unknown>({ schema: newer }).encode({ ...order, extra: 3 })
    const read = async (record: Uint8Array): Promise<Order> => {
      await format.load!(record, context)
      expect(format.load!(record, context)).toBeUndefined()
      return { ...format.decode(record) }
    }
    expect(await read(bytes)).toEqual(order)
    expect(await read(wireRecord(8, oldBytes))).toEqual({ id: 'o', cents: 0, tags: [], note: null })
    expect(await read(wireRecord(9, newBytes))).toEqual(order)
  })

  test('refuses a schema that cannot be resolved, one that is not there, and one that is not Avro', async () => {
    const registry = new MemorySchemas()
    registry.put(1, '"string"')
    registry.put(2, 'syntax = "proto3";', 'PROTOBUF')
    registry.put(3, 'no schema {')
    const format = avro.format<Order>({ schema, registry })
    for (const id of [1, 2, 3, 4]) {
      const record = wireRecord(id, Uint8Array.of(2, 65))
      await format.load!(record, context)
      expect(() => format.decode(record)).toThrow(
        expect.objectContaining({ message: expect.stringContaining(`schema ${id}`) }),
      )
    }
    expect(() => format.load!(Uint8Array.of(1, 2, 3), context)).toThrow(refused)
  })
})

test('a schema that is none is refused', () => {
  expect(() => avro.format({ schema: { type: 'recrod' } })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID' }),
  )
  expect(() => avro.format({ schema: '{"type":' })).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID' }),
  )
})
