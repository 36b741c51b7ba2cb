/**
 * The sources and sinks of this package, exported as `files`.
 *
 * @example
 * p.from('log', files.readLines('app.log')).to('copy', files.writeLines('copy.log'))
 */
export { readLines, writeLines } from './lines.ts'
export { readNdjson, writeNdjson } from './ndjson.ts'
export { readCsv } from './read-csv.ts'
export { writeCsv } from './write-csv.ts'
