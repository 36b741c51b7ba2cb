import { factsOfRecord } from '../operator/cursor.ts'
import { isSampled, type OpenSpan, type Tracing } from '../operator/tracing.ts'
import type { Batch } from '../record/element.ts'

/** A batch that is being written, with a span for each record that is traced. */
export interface TracedWrite {
  /** The headers of its records continue their traces from the spans of the sink. */
  readonly batch: Batch
  /** Sets the error of one record, or of all that are not ended. */
  fail(error: unknown, index?: number): void
  end(): void
}

/** Begins the spans of a sink for the records of a batch that it writes now. */
export function traceWrite(tracing: Tracing | undefined, sink: string, batch: Batch): TracedWrite {
  const spans = tracing === undefined || batch.headers === undefined ? [] : spansOf(tracing, sink, batch)
  if (spans.length === 0) return { batch, fail: () => {}, end: () => {} }
  const headers = [...batch.headers!]
  for (const [index, span] of spans) headers[index] = span.headers
  return {
    batch: { ...batch, headers },
    fail: (error, at) => {
      for (const [index, span] of spans) if (at === undefined || at === index) span.fail(error)
    },
    end: () => {
      for (const [, span] of spans) span.end()
    },
  }
}

function spansOf(tracing: Tracing, sink: string, batch: Batch): readonly (readonly [number, OpenSpan])[] {
  const spans: (readonly [number, OpenSpan])[] = []
  for (let index = 0; index < batch.length; index++) {
    const headers = batch.headers![index]
    if (!isSampled(headers)) continue
    const originIndex = batch.originIndex?.[index] ?? index
    const facts = () => factsOfRecord(batch.origin, originIndex)
    const span = tracing.begin(sink, 'producer', { headers, facts })
    if (span !== undefined) spans.push([index, span])
  }
  return spans
}
