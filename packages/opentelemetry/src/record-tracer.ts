import {
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type TracerProvider,
} from '@opentelemetry/api'
import { describeError, type RecordHeaders } from '@millrace/core'
import type { RecordSpan, RecordTracer, SpanStart } from '@millrace/core/job'
import { flushed, guarded, scope } from './guarded.ts'

const kinds = {
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
} as const

/** The form of version 00; later versions may have more behind it. */
const form =
  /^(?!ff)[0-9a-f]{2}-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?:-|$)/

/**
 * Returns what makes spans for OpenTelemetry of records whose `traceparent` is sampled: one for each operator that handles
 * such a record. Pass it to `start` as `tracer`. Other records cost nothing.
 *
 * Default of `tracerProvider`: the global one. What the provider throws is reported to `diag`; the job continues.
 *
 * @example
 * const job = start(fraud, { tracer: recordTracer() })
 */
export function recordTracer(options: { readonly tracerProvider?: TracerProvider } = {}): RecordTracer {
  const provider = options.tracerProvider ?? trace.getTracerProvider()
  const tracer = provider.getTracer(scope)
  return {
    begin: (start) =>
      guarded(() => {
        const { name, kind, at, links, attributes, parent } = start
        const given = {
          kind: kinds[kind],
          startTime: timeOf(at),
          attributes: { ...attributes },
          links: linksOf(links),
        }
        const span = tracer.startSpan(name, given, contextOf(parent))
        return span.isRecording() ? recordSpan(span) : undefined
      }),
    flush: () => flushed(provider),
  }
}

function recordSpan(span: Span): RecordSpan {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    link: (traceparents) => void guarded(() => span.addLinks([...linksOf(traceparents)])),
    fail: (error) =>
      void guarded(() => span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) })),
    end: (at) => guarded(() => span.end(timeOf(at))),
  }
}

/** The span that the headers of a record name, as the parent of others. */
function contextOf(parent: SpanStart['parent']): Context {
  const context = parent && spanContextOf(parent)
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context)
}

function linksOf(traceparents: readonly string[]): Link[] {
  return traceparents.flatMap((traceparent) => {
    const context = spanContextOf({ traceparent })
    return context === undefined ? [] : [{ context }]
  })
}

/** Undefined for a `traceparent` that is none. */
function spanContextOf({ traceparent, tracestate }: RecordHeaders): SpanContext | undefined {
  const parts = typeof traceparent === 'string' ? form.exec(traceparent)?.groups : undefined
  if (parts === undefined) return undefined
  const context = {
    traceId: parts['traceId']!,
    spanId: parts['spanId']!,
    traceFlags: Number.parseInt(parts['flags']!, 16),
    isRemote: true,
    ...(typeof tracestate === 'string' ? { traceState: createTraceState(tracestate) } : {}),
  }
  return isSpanContextValid(context) ? context : undefined
}

/** A number could be taken for one of the monotonic clock. */
function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)]
}
