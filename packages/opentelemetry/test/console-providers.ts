/** Sets providers of OpenTelemetry that print what they get when they are flushed. For `node --import`. */
import { metrics, trace } from '@opentelemetry/api'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base'

const exporter = new ConsoleMetricExporter()
const readers = [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })]
metrics.setGlobalMeterProvider(new MeterProvider({ readers }))

const batches = new BatchSpanProcessor(new ConsoleSpanExporter(), { scheduledDelayMillis: 2 ** 30 })
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [batches] }))
