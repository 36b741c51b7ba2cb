// Channels.
export { Channel } from './channel.ts'
export { CLOSED, EMPTY } from './channel-end.ts'
export type { ReceiveChannel, Received, SendChannel } from './channel-end.ts'
export { ChannelClosedError } from './channel-closed-error.ts'

// Choosing among operations.
export { select, trySelect } from './select.ts'
export type { SelectCases, Selected, SelectOptions, TrySelectOptions } from './select.ts'
export { after } from './select-case.ts'
export type { SelectCase } from './select-case.ts'

// Tasks that wait for one another.
export { Scope } from './scope.ts'
export { WaitGroup } from './wait-group.ts'
export { Wakeup } from './wakeup.ts'

// The doors of the world: time, randomness, scheduling.
export { sleep, systemClock } from './clock.ts'
export type { Clock } from './clock.ts'
export { ManualClock } from './manual-clock.ts'
export { seededRandom, systemRandom } from './random.ts'
export type { Random } from './random.ts'
export { microtaskScheduler, systemScheduler } from './scheduler.ts'
export type { Scheduler } from './scheduler.ts'
