/** Tests of pipelines and operators, a disk that crashes, and conformance kits for sources, sinks and stores. */

// A simulated disk and platform, and crashes.
export { crashEverywhere } from './crash-everywhere.ts'
export type { CrashEverywhereOptions, CrashReport, CrashTrial } from './crash-everywhere.ts'
export { driveJob } from './drive-job.ts'
export type { DriveLimits } from './drive-job.ts'
export type { OperationKind } from './operation-log.ts'
export type { CrashStyle } from './sim-disk.ts'
export { FreezingFs } from './freezing-fs.ts'
export { InterceptedFs } from './intercepted-fs.ts'
export { SimFs } from './sim-fs.ts'
export type { SimFsOptions } from './sim-fs.ts'
export { SimOwners } from './sim-owners.ts'
export { simPlatform } from './sim-platform.ts'
export type { SimPlatform, SimPlatformOptions } from './sim-platform.ts'
export { simLinks, simWorkers } from './sim-workers.ts'
export type { SimWorkersOptions } from './sim-workers.ts'
export { SimulatedCrash } from './simulated-crash.ts'
export { sameBytes } from './watched-table.ts'

// Conformance kits.
export { CaseList, ContractViolation, describeCases, firstFailure } from './conformance/conformance-case.ts'
export type { CaseFailure, ConformanceCase, Skips, TestRunner } from './conformance/conformance-case.ts'
export { fsConformance } from './conformance/fs-conformance.ts'
export type { FsConformanceOptions, FsSubject } from './conformance/fs-conformance.ts'
export { sinkConformance } from './conformance/sink-conformance.ts'
export type { SinkConformanceOptions } from './conformance/sink-conformance.ts'
export type { SinkFeatures, SinkSubject } from './conformance/sink-life.ts'
export { sourceConformance } from './conformance/source-conformance.ts'
export type { SourceConformanceOptions } from './conformance/source-conformance.ts'
export type { SourceFeatures, SourceSubject } from './conformance/source-life.ts'
export { stateStoreConformance } from './conformance/store-conformance.ts'
export type { StateStoreConformanceOptions } from './conformance/store-conformance.ts'

// Histories of logs.
export { checkLog } from './log-checker/check-log.ts'
export { allowedByKafka } from './log-checker/history.ts'
export type {
  Anomaly,
  AnomalyKind,
  LogOperation,
  LogStep,
  PollStep,
  SeekStep,
  SendStep,
} from './log-checker/history.ts'

export type { DescribedPipeline } from './described-pipeline.ts'
export { noRejection } from './no-rejection.ts'

// Operators under test.
export { operatorHarness } from './operator-harness.ts'
export type { BatchRecord, HarnessOptions, OperatorHarness, Timed } from './operator-harness.ts'
export { at, clock, operatorLives, watermark } from './operator-lives.ts'
export type { Happening, OperatorCase } from './operator-lives.ts'
export type { Emitted } from './operator-subtask.ts'

// Whole pipelines, with literal inputs and a clock that the test moves.
export { testPipeline } from './test-pipeline/pipeline-test.ts'
export type { PipelineTest, PipelineTestOptions } from './test-pipeline/pipeline-test.ts'
