/** The sources and sinks of this package, exported as `stdio`. */
export { readLines, readNdjson } from './read-stdin.ts'
export { writeLines } from './write-stdout.ts'
