/** Reads and writes files in Millrace pipelines. */

// sources
export { readCsv } from './csv.ts'
export type { CsvRow, ReadCsvOptions } from './csv.ts'
export type { Paths, ReadOptions } from './file-source.ts'
export { readJson } from './json.ts'
export type { ReadJsonOptions } from './json.ts'
export { readLines } from './lines.ts'
export type { Encoding } from './page.ts'
export type { FilePosition } from './position.ts'
