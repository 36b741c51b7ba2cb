/** The metrics of a running job, for those who send them elsewhere. It starts no server. */
export { MeasuredJob } from './job/measured-job.ts'
export type { MeasureOptions } from './job/measured-job.ts'
export { Runtime } from './job/runtime.ts'
export { allMetrics, readMetrics } from './metrics/readings.ts'
export type { Labels, MetricKind } from './metrics/readings.ts'
export type { EventRow } from './contract/happenings.ts'
