import { readJson, writeJson } from './json.ts'
import { readLines, writeLines } from './lines.ts'
import { readCsv } from './read-csv.ts'
import { writeCsv } from './write-csv.ts'

/**
 * The sources and sinks of this package under one name, for those who like to read `files.` before them.
 *
 * @example
 * p.from('log', files.readLines('app.log')).to('copy', files.writeLines('copy.log'))
 */
export const files: {
  readonly readLines: typeof readLines
  readonly readJson: typeof readJson
  readonly readCsv: typeof readCsv
  readonly writeLines: typeof writeLines
  readonly writeJson: typeof writeJson
  readonly writeCsv: typeof writeCsv
} = { readLines, readJson, readCsv, writeLines, writeJson, writeCsv }
