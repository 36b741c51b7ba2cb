import type { Sink } from '@millrace/core'
import { standardOutput } from './process-streams.ts'
import { TextSink, type WriteLinesOptions } from './text-sink.ts'

/**
 * Prints a line for each record to standard output, at once.
 *
 * What was printed cannot be taken back: after a crash, records since the last checkpoint are printed again
 * (at-least-once). If the program that reads the output ends, as `head` does, the job is stopped as by a signal.
 *
 * @example
 * stream.to('out', stdio.writeLines({ format: (w) => `${w.key}: ${w.value.n}` }))
 */
export function writeLines<T>(options: WriteLinesOptions<T> = {}): Sink<T> {
  return new TextSink(standardOutput, options)
}
