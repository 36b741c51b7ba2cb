/** Reads standard input and writes standard output in Millrace pipelines. */
export * as stdio from './stdio.ts'
export type { ReadNdjsonOptions } from './read-stdin.ts'
export type { StdinOptions } from './stdin-source.ts'
export type { WriteLinesOptions } from './text-sink.ts'
