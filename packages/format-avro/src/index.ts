/** Avro for Millrace pipelines: with or without a schema registry. */
export * as avro from './avro.ts'
export type { AvroOptions, AvroSchema } from './avro.ts'
