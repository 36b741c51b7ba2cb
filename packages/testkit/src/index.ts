/** Operator harness, simulator and conformance kits for Millrace pipelines and connectors. */

// A world that is simulated, and crashes.
export { crashEverywhere } from './crash-everywhere.ts'
export type { CrashEverywhereOptions, CrashReport, CrashTrial } from './crash-everywhere.ts'
export { driveJob } from './drive-job.ts'
export type { DriveLimits } from './drive-job.ts'
export type { OperationKind } from './operation-log.ts'
export type { CrashStyle } from './sim-disk.ts'
export { FreezingFs } from './freezing-fs.ts'
export { SimFs } from './sim-fs.ts'
export type { SimFsOptions } from './sim-fs.ts'
export { SimOwners } from './sim-owners.ts'
export { simPlatform } from './sim-platform.ts'
export type { SimPlatform, SimPlatformOptions } from './sim-platform.ts'
export { SimulatedCrash } from './simulated-crash.ts'

// Concurrent code under every schedule.
export { simulateTasks } from './world/simulate-tasks.ts'
export type { SimulateTasksOptions, TaskSimulation, TaskWorld } from './world/simulate-tasks.ts'
export { OutsideWait, SimDeadlock } from './world/standstill.ts'
export type { OpenWait } from './world/standstill.ts'
export { LeftOverTasks, TaskSimulationFailure } from './world/task-failures.ts'

// Bugs that are planted, to see whether tests find them.
export { buildMutant, changedSource, runMutant } from './planted/mutant.ts'
export type { Bundler, ChangedLine, MutantOptions } from './planted/mutant.ts'

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

export { noRejection } from './no-rejection.ts'

// Operators under test.
export { operatorHarness } from './operator-harness.ts'
export type { BatchRecord, HarnessOptions, OperatorHarness, Timed } from './operator-harness.ts'
export { at, clock, operatorLives, watermark } from './operator-lives.ts'
export type { Happening, OperatorCase } from './operator-lives.ts'
export type { Emitted } from './operator-subtask.ts'

// Whole pipelines, with literal inputs and a clock that moves when told.
export { testPipeline } from './test-pipeline/pipeline-test.ts'
export type { PipelineTest, PipelineTestOptions } from './test-pipeline/pipeline-test.ts'

// Whole pipelines in a world that breaks.
export { faultKinds } from './simulate/fault.ts'
export type { FaultKind, Faults } from './simulate/fault.ts'
export type { Finding, FindingKind } from './simulate/finding.ts'
export type { GivenInput } from './simulate/inputs.ts'
export { simulate, simulateSeeds } from './simulate/simulate.ts'
export type {
  SeedsOptions,
  SeedsReport,
  Simulatable,
  SimulationOptions,
  SimulationReport,
} from './simulate/simulate.ts'
export type { NotCompared } from './simulate/baseline.ts'
export type { FaultEvent, SinkStandIn } from './simulate/run-plan.ts'
export { SimulationFailure } from './simulate/simulation-failure.ts'
export type { FailedRun } from './simulate/simulation-failure.ts'
export type { Invariant, RunFacts } from './simulate/invariant.ts'
