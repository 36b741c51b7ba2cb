import { create, createFileRegistry, fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf'
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
} from '@bufbuild/protobuf/wkt'
import { ManualClock, seededRandom } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMillraceError } from '@millrace/core'
import type { FormatContext } from '@millrace/core/connector'
import { wireRecord } from '@millrace/schema-registry'
import { protobuf } from '../src/index.ts'
import { parseIndexes, writeIndexes } from '../src/message-indexes.ts'
import { MemorySchemas } from './memory-schemas.ts'

const field = (name: string, number: number, type: FieldDescriptorProto_Type) => ({
  name,
  number,
  type,
  label: FieldDescriptorProto_Label.OPTIONAL,
})
const text = field('id', 1, FieldDescriptorProto_Type.STRING)
const whole = field('cents', 2, FieldDescriptorProto_Type.INT32)

/** `message Order { string id = 1; int32 cents = 2; message Line { string id = 1; } }`, after `message Other {}`. */
const file = create(FileDescriptorSetSchema, {
  file: [
    create(FileDescriptorProtoSchema, {
      name: 'order.proto',
      syntax: 'proto3',
      messageType: [
        { name: 'Other' },
        { name: 'Order', field: [text, whole], nestedType: [{ name: 'Line', field: [text] }] },
      ],
    }),
  ],
})
const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, toBinary(FileDescriptorSetSchema, file)),
)
const messageOf = (name: string): DescMessage => registry.getMessage(name)!
const orderMessage = messageOf('Order')
const order = create(orderMessage, { id: 'ä1', cents: -5 })
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

describe('Protobuf without a registry', () => {
  const format = protobuf.format({ message: orderMessage })

  test('reads what it has written', () => {
    expect(format.decode(format.encode(order))).toEqual(order)
  })

  test('refuses bytes that are made up or cut, and never throws anything else', () => {
    const bytes = format.encode(order)
    expect(() => format.decode(bytes.slice(0, 3))).toThrow(expect.objectContaining({ code: 'DECODE_FAILED' }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (made) => {
        try {
          format.decode(made)
        } catch (error) {
          expect(isMillraceError(error, 'DECODE_FAILED')).toBe(true)
        }
      }),
    )
    // Groups that are nested without an end.
    expect(() => format.decode(new Uint8Array(200_000).fill(0x1b))).toThrow(
      expect.objectContaining({ code: 'DECODE_FAILED' }),
    )
  })

  test('refuses a value that does not fit', () => {
    const wrong = { ...order, cents: 'many' } as never
    expect(() => format.encode(wrong)).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }))
  })
})

describe('Protobuf with a registry', () => {
  test('writes the id of its schema and the place of its message, and reads them', async () => {
    const schemas = new MemorySchemas()
    const format = protobuf.format({
      message: orderMessage,
      registry: schemas,
      definition: 'syntax = "proto3"; …',
    })
    await format.beginWriting!(context)
    expect(schemas.at(1)).toMatchObject({ type: 'PROTOBUF' })
    const bytes = format.encode(order)
    expect(Array.from(bytes.slice(0, 7))).toEqual([0, 0, 0, 0, 1, 2, 2])
    expect(format.decode(bytes)).toEqual(order)
    const line = protobuf.format({
      message: messageOf('Order.Line'),
      registry: schemas,
      definition: 'x',
    })
    await line.beginWriting!(context)
    expect(Array.from(line.encode(create(messageOf('Order.Line'), {})).slice(5))).toEqual([4, 2, 0])
    expect(() => line.decode(bytes)).toThrow(
      /the record is message 1 of its schema, and Order.Line is message 1.0/,
    )
    expect(() => format.decode(wireRecord(1, Uint8Array.of(0x80)))).toThrow(
      expect.objectContaining({ code: 'DECODE_FAILED' }),
    )
  })

  test('needs the definition to write', async () => {
    const format = protobuf.format({ message: orderMessage, registry: new MemorySchemas() })
    await expect(format.beginWriting!(context)).rejects.toThrow(/give the text of the .proto file/)
  })
})

test('the place of a message is read as it was written, and the first message is one zero', () => {
  expect([...writeIndexes([0])]).toEqual([0])
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 10 }), (indexes) => {
      const { indexes: read, rest } = parseIndexes(Uint8Array.of(...writeIndexes(indexes), 7))
      expect([read, [...rest]]).toEqual([indexes, [7]])
    }),
  )
})
