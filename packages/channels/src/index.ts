// Time, randomness and scheduling: the doors of the world.
export { sleep, systemClock } from './clock.ts'
export type { Clock } from './clock.ts'
export { ManualClock } from './manual-clock.ts'
export { seededRandom, systemRandom } from './random.ts'
export type { Random } from './random.ts'
export { microtaskScheduler, systemScheduler } from './scheduler.ts'
export type { Scheduler } from './scheduler.ts'

// Waiting for one another.
export { Wakeup } from './wakeup.ts'
