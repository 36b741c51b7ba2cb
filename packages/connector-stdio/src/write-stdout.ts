import type { Sink } from '@millrace/core/connector'
import { standardOutput } from './process-streams.ts'
import { TextSink, type WriteLinesOptions } from './text-sink.ts'

/**
 * Prints a line for each record to standard output at once.
 *
 * At-least-once: after a crash, records since the last checkpoint are printed again. If the program that
 * reads the output ends, as `head` does, the job is stopped as by a signal.
 *
 * @example
 * stream.to('out', stdio.writeLines({ format: (w) => `${w.key}: ${w.value.n}` }))
 */
export function writeLines<T>(options: WriteLinesOptions<T> = {}): Sink<T> {
  return new TextSink(standardOutput, options)
}
