/** Reads and writes files in Millrace pipelines. */

export * as files from './files.ts'

// reading
export type { Paths, ReadOptions } from './read-options.ts'
export type { ReadNdjsonOptions } from './ndjson.ts'
export type { FilePosition } from './position.ts'
export type { CsvRow, ReadCsvOptions } from './read-csv.ts'
export type { Encoding, LineEnds } from './text-format.ts'

// writing
export type { FileCommittable } from './committable.ts'
export type { WriteOptions } from './file-sink.ts'
export type { WriteCsvOptions } from './write-csv.ts'
