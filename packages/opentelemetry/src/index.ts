/** Metrics, traces and events of a job for OpenTelemetry. */
export { instrument } from './instrument.ts'
export type { InstrumentOptions, Telemetry } from './instrument.ts'
export type { EventLogger } from './events.ts'
export { recordTracer } from './record-tracer.ts'
