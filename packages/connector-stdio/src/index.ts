/** Reads standard input and writes standard output in Millrace pipelines. */
export { consoleSink } from './console-sink.ts'
export { readStdinJson, readStdinLines } from './read-stdin.ts'
export type { StdinOptions } from './stdin-source.ts'
export type { ConsoleOptions } from './text-sink.ts'
