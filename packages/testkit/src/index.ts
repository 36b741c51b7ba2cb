/** Operator harness, simulator and conformance kits for Millrace pipelines and connectors. */

// A file system that crashes.
export { crashEverywhere } from './crash-everywhere.ts'
export type { CrashEverywhereOptions, CrashReport, CrashTrial } from './crash-everywhere.ts'
export type { OperationKind } from './operation-log.ts'
export type { CrashStyle } from './sim-disk.ts'
export { SimFs } from './sim-fs.ts'
export type { SimFsOptions } from './sim-fs.ts'
export { SimulatedCrash } from './simulated-crash.ts'
