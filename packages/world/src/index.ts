// Time, randomness and scheduling, real and for tests.
export { sleep, systemClock } from './clock.ts'
export { ManualClock } from './manual-clock.ts'
export { seededRandom, systemRandom } from './random.ts'
export { microtaskScheduler, systemScheduler } from './scheduler.ts'
export type { Clock, Random, Scheduler, System } from './system.ts'

// Waiting.
export { Wakeup } from './wakeup.ts'
export {
  AbortHook,
  markHeard,
  onAbort,
  refused,
  refuseIfAborted,
  rejected,
  wasHeard,
} from './cancellation.ts'

// For packages that add something to wait for, and for those that watch or order all waits.
export {
  created,
  installWaitRegistry,
  madeHere,
  passing,
  running,
  unlisted,
  waiting,
  waitRegistry,
} from './wait-registry.ts'
export type { Begin, WaitRegistry } from './wait-registry.ts'

// Checks of arguments.
export {
  functionMisfit,
  hasMethod,
  isSignal,
  misfit,
  requireClock,
  requireDelay,
  requireFunction,
  requireSignal,
  shown,
  signalMisfit,
} from './argument.ts'
