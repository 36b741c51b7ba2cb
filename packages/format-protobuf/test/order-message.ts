import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMessage,
  type Message,
} from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'

/** An order, as the message has it. */
export interface Order {
  readonly id: string
  readonly cents: number
}

/** What a schema registry keeps of it. */
export const orderDefinition = 'syntax = "proto3";\nmessage Order { string id = 1; int32 cents = 2; }\n'

/** The message of that definition. */
export function orderMessage(): DescMessage {
  const field = (name: string, number: number, type: FieldDescriptorProto_Type): object => {
    return { name, number, type, label: FieldDescriptorProto_Label.OPTIONAL }
  }
  const fields = [
    field('id', 1, FieldDescriptorProto_Type.STRING),
    field('cents', 2, FieldDescriptorProto_Type.INT32),
  ]
  const proto = { name: 'order.proto', syntax: 'proto3', messageType: [{ name: 'Order', field: fields }] }
  const set = create(FileDescriptorSetSchema, { file: [create(FileDescriptorProtoSchema, proto)] })
  const bytes = toBinary(FileDescriptorSetSchema, set)
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).getMessage('Order')!
}

/** The message of an order. */
export function orderOf(message: DescMessage, order: Order): Message & Order {
  return create(message, { ...order }) as Message & Order
}
