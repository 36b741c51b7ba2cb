import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import { MeasuredJob, Runtime } from '@millrace/control/metrics'
import type { Job } from '@millrace/core/job'
import { flushed, guarded, scope } from './guarded.ts'
import { logEvent, type EventLogger } from './events.ts'
import { observeMetrics } from './metrics.ts'
import { JobSpans } from './spans.ts'

/** Where the telemetry of a job goes. */
export interface InstrumentOptions {
  /** Default: the global one of `@opentelemetry/api`. */
  readonly meterProvider?: MeterProvider
  /** Default: the global one of `@opentelemetry/api`. */
  readonly tracerProvider?: TracerProvider
  /** Receives the events of the job: `logs.getLogger('millrace')` of `@opentelemetry/api-logs`. Default: they go nowhere. */
  readonly logger?: EventLogger
}

/** The telemetry of a job, until it is disposed. */
export interface Telemetry extends Disposable {
  /**
   * Asks the providers to export what they hold. Never rejects: an error is reported to `diag`, and a provider that has no
   * `forceFlush` is left alone.
   */
  flush(): Promise<void>
}

type Listener = MeasuredJob['happenings']['listeners'] extends Set<infer L> ? L : never

/**
 * Sends the metrics, traces and events of a job to OpenTelemetry, until the result is disposed. Call it right after the job
 * was started, so that no event is missed; dispose of the result after it was flushed.
 *
 * Metrics are those of `docs/operating/metrics.md`. They are read when the provider collects them, so they cost nothing
 * between collections and nothing per record. What a provider or a logger throws is reported to `diag` of
 * `@opentelemetry/api`; the job continues.
 *
 * @example
 * const job = start(fraud)
 * using telemetry = instrument(job, { meterProvider, tracerProvider })
 * await job.ended
 * await telemetry.flush()
 */
export function instrument(job: Job, options: InstrumentOptions = {}): Telemetry {
  const { logger } = options
  const meterProvider = options.meterProvider ?? metrics.getMeterProvider()
  const tracerProvider = options.tracerProvider ?? trace.getTracerProvider()
  const runtime = new Runtime()
  const measured = new MeasuredJob(job, { runtime: () => runtime.read() })
  const spans = new JobSpans(tracerProvider.getTracer(scope), job, measured.name)
  const { listeners } = measured.happenings
  const listener: Listener = (_kind, row) => {
    if (logger !== undefined && 'kind' in row) guarded(() => logEvent(logger, measured.name, row))
  }
  listeners.add(listener)
  const parts: readonly Disposable[] = [
    observeMetrics(meterProvider.getMeter(scope), measured),
    job.observe((event) => guarded(() => spans.take(event))),
    spans,
    { [Symbol.dispose]: () => void listeners.delete(listener) },
    measured,
    runtime,
  ]
  return {
    flush: async () => {
      await Promise.all([meterProvider, tracerProvider].map(flushed))
    },
    [Symbol.dispose]: () => {
      for (const part of parts) guarded(() => part[Symbol.dispose]())
    },
  }
}
