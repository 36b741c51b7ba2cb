import type { Clock } from '@millrace/world'
import type { RecordSpan, RecordTracer, SpanStart } from '../record/tracer.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { RecordFacts } from './failure-policy.ts'
import type { HeaderPlace } from './fuse.ts'

/** The length of a `traceparent`: version, trace, parent and flags. Later versions may have more. */
const traceparentLength = 55
/** Its last digit at that length has the flag that the trace is sampled. */
const flagsAt = traceparentLength - 1
const codeOf9 = 57
/** The clock was set if it differs by more from the monotonic one. */
const clockSetMs = 20

/** A record that may belong to a sampled trace. */
export interface TracedRecord {
  readonly headers: RecordHeaders | undefined
  facts(): RecordFacts | undefined
}

/** A span, and the headers of what comes of its record. */
export interface OpenSpan {
  readonly headers: RecordHeaders
  readonly traceparent: string
  link(traceparents: readonly string[]): void
  /** Sets its error, unless it has ended. */
  fail(error: unknown): void
  end(): void
}

/**
 * Whether a record belongs to a trace that is sampled: its `traceparent` says so. (W3C Trace Context, "trace-flags".)
 */
export function isSampled(headers: RecordHeaders | undefined): headers is RecordHeaders {
  const traceparent = headers?.['traceparent']
  if (typeof traceparent !== 'string' || traceparent.length < traceparentLength) return false
  // Of the digits the codes of odd ones are odd, of the letters the codes of even ones: `9` is 57, `b` is 98.
  const code = traceparent.charCodeAt(flagsAt)
  return (code & 1) === (code <= codeOf9 ? 1 : 0)
}

/** Makes the spans of one subtask. */
export class Tracing {
  readonly #tracer: RecordTracer
  readonly #clock: Clock
  readonly #attributes: Readonly<Record<string, string | number>>
  /** What the monotonic clock must be moved by, which has fractions of a millisecond, to be the time. */
  #offset: number

  constructor(
    tracer: RecordTracer,
    clock: Clock,
    at: { readonly pipeline: string; readonly subtask: number },
  ) {
    this.#tracer = tracer
    this.#clock = clock
    this.#attributes = { 'millrace.job': at.pipeline, 'millrace.subtask': String(at.subtask) }
    this.#offset = clock.now() - clock.monotonic()
  }

  /** Begins the span of what `operator` does with a record. Undefined if its trace is not sampled. */
  begin(operator: string, kind: SpanStart['kind'], record: TracedRecord): OpenSpan | undefined {
    const { headers } = record
    return isSampled(headers) ? this.#begin(operator, kind, headers, [], record.facts()) : undefined
  }

  /** Begins a trace for a result that time makes of records, whose spans are `links`. */
  beginTrace(operator: string, links: readonly string[]): OpenSpan | undefined {
    return this.#begin(operator, 'internal', undefined, links, undefined)
  }

  #begin(
    operator: string,
    kind: SpanStart['kind'],
    parent: RecordHeaders | undefined,
    links: readonly string[],
    facts: RecordFacts | undefined,
  ): OpenSpan | undefined {
    const attributes = { ...this.#attributes, 'millrace.operator': operator, ...(facts && placeOf(facts)) }
    const at = this.#now()
    const span = this.#tracer.begin({ name: operator, kind, at, parent, links, attributes })
    return span === undefined ? undefined : this.#opened(span, parent)
  }

  #opened(span: RecordSpan, parent: RecordHeaders | undefined): OpenSpan {
    const { traceparent } = span
    let hasEnded = false
    return {
      headers: { ...parent, traceparent },
      traceparent,
      link: (traceparents) => span.link(traceparents),
      fail: (error) => {
        if (!hasEnded) span.fail(error)
      },
      end: () => {
        hasEnded = true
        span.end(this.#now())
      },
    }
  }

  #now(): number {
    const now = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    if (Math.abs(now - monotonic - this.#offset) > clockSetMs) this.#offset = now - monotonic
    return monotonic + this.#offset
  }
}

function placeOf({ source, split, position }: RecordFacts): Readonly<Record<string, string>> {
  return { 'millrace.source': source, 'millrace.split': split, 'millrace.position': position }
}

/**
 * Runs `work` with a record, and what it calls, in the span of an operator: what is emitted continues the trace from there.
 * `place` is where the headers of the record are; `done` gets the span before it ends.
 */
export function inSpan(
  span: OpenSpan,
  place: HeaderPlace & { span?: OpenSpan | undefined },
  work: () => void,
  done?: (span: OpenSpan) => void,
): void {
  const { headers, span: outer } = place
  place.headers = span.headers
  place.span = span
  try {
    work()
    done?.(span)
  } catch (thrown) {
    span.fail(thrown)
    throw thrown
  } finally {
    place.headers = headers
    place.span = outer
    span.end()
  }
}
