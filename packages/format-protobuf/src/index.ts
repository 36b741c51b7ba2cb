/** Protobuf for Millrace pipelines: with or without a schema registry. */
export * as protobuf from './protobuf.ts'
export type { ProtobufOptions } from './protobuf.ts'
