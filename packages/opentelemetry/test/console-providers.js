/** Sets providers of OpenTelemetry that print what they get when they are flushed, in each thread. For `node --import`. */
import { writeSync } from 'node:fs'
import { metrics, trace } from '@opentelemetry/api'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

const exporter = new ConsoleMetricExporter()
const readers = [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })]
metrics.setGlobalMeterProvider(new MeterProvider({ readers }))

// What a worker prints otherwise goes through the main thread, and is lost when the worker is ended.
const spans = {
  export(ended, done) {
    for (const span of ended) writeSync(1, `span ${span.spanContext().traceId} ${span.name}\n`)
    done({ code: 0 })
  },
  shutdown: async () => {},
}
const batches = new BatchSpanProcessor(spans, { scheduledDelayMillis: 2 ** 30 })
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [batches] }))
