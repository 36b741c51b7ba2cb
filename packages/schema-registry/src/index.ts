/** A client of schema registries, and their wire format, for formats such as Avro and Protobuf. */
export { schemaRegistry } from './schema-registry.ts'
export type { RegisteredSchema, SchemaReference, SchemaRegistry } from './schema-registry.ts'
export type { RegistryOptions } from './registry-options.ts'
export { parseWire, wireRecord } from './wire.ts'
export type { WireRecord } from './wire.ts'
