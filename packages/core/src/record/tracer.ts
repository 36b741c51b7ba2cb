import type { RecordHeaders } from './headers.ts'

/**
 * Makes spans of what a pipeline does with records whose trace is sampled. Each thread has its own.
 *
 * It is asked for no other records. What it throws fails the job, so it should not throw.
 */
export interface RecordTracer {
  /** Begins a span. Undefined: it is not recorded, and the trace of the record continues as it is. */
  begin(start: SpanStart): RecordSpan | undefined
  /** Resolves once everything that has ended is exported. Called when a worker thread ends. Default: nothing to do. */
  flush?(): Promise<void>
}

/** What a span is about. Times are in milliseconds since the epoch, with fractions. */
export interface SpanStart {
  readonly name: string
  /** `consumer`: a source has read a record. `producer`: a sink writes one. `client`: a call of `mapAsync`. */
  readonly kind: 'consumer' | 'internal' | 'client' | 'producer'
  readonly at: number
  /** The headers of the record, with a sampled `traceparent`. Undefined: the span begins a trace. */
  readonly parent: RecordHeaders | undefined
  /** The `traceparent` of each span that it comes from besides its parent. */
  readonly links: readonly string[]
  readonly attributes: Readonly<Record<string, string | number>>
}

/** A span that was begun. One that is never ended is not exported. */
export interface RecordSpan {
  /** What to carry in the header `traceparent`. */
  readonly traceparent: string
  /** Adds spans that it comes from, by their `traceparent`. */
  link(traceparents: readonly string[]): void
  /** Sets its error; the last one counts. */
  fail(error: unknown): void
  end(at: number): void
}
