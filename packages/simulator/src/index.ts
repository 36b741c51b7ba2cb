/** Runs pipelines and concurrent code in simulated worlds with faults, each chosen by a seed. */

// Whole pipelines in a world that breaks.
export { faultKinds } from './simulate/fault.ts'
export type { FaultKind, Faults } from './simulate/fault.ts'
export type { Finding, FindingKind } from './simulate/finding.ts'
export type { GivenInput } from './simulate/inputs.ts'
export { simulate, simulateSeeds } from './simulate/simulate.ts'
export type { SeedsOptions, SeedsReport, SimulationOptions, SimulationReport } from './simulate/simulate.ts'
export type { NotCompared } from './simulate/baseline.ts'
export type { FaultEvent, SinkStandIn } from './simulate/run-plan.ts'
export { SimulationFailure } from './simulate/simulation-failure.ts'
export type { FailedRun } from './simulate/simulation-failure.ts'
export type { Invariant, RunFacts } from './simulate/invariant.ts'

// Concurrent code under every schedule.
export { simulateTasks } from './world/simulate-tasks.ts'
export type { SimulateTasksOptions, TaskSimulation, TaskWorld } from './world/simulate-tasks.ts'
export { OutsideWait, SimDeadlock } from './world/standstill.ts'
export type { OpenWait } from './world/standstill.ts'
export { LeftOverTasks, TaskSimulationFailure } from './world/task-failures.ts'
