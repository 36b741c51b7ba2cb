/** Reads and writes files in Millrace pipelines. */

export { files } from './files.ts'

// reading
export type { Paths, ReadOptions } from './read-options.ts'
export { readJson } from './json.ts'
export type { ReadJsonOptions } from './json.ts'
export { readLines } from './lines.ts'
export type { FilePosition } from './position.ts'
export { readCsv } from './read-csv.ts'
export type { CsvRow, ReadCsvOptions } from './read-csv.ts'
export type { Encoding, LineEnds } from './text-format.ts'

// writing
export type { FileCommittable } from './committable.ts'
export type { WriteOptions } from './file-sink.ts'
export { writeJson } from './json.ts'
export { writeLines } from './lines.ts'
export { writeCsv } from './write-csv.ts'
export type { WriteCsvOptions } from './write-csv.ts'
