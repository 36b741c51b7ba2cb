// Channels.
export { Channel } from './channel/channel.ts'
export { CLOSED, EMPTY } from './channel/channel-end.ts'
export type { ReceiveChannel, Received, SendChannel } from './channel/channel-end.ts'
export { ChannelClosedError } from './channel/channel-closed-error.ts'

// Choosing among operations.
export { select, trySelect } from './channel/select.ts'
export type { SelectCases, Selected, SelectOptions, TrySelectOptions } from './channel/select.ts'
export { after } from './channel/select-case.ts'
export type { SelectCase } from './channel/select-case.ts'

// Tasks that wait for one another.
export { Scope } from './task/scope.ts'
export { WaitGroup } from './task/wait-group.ts'
export { Wakeup } from './task/wakeup.ts'

// Watching from outside.
export { oversee } from './wait/overseer.ts'
export type { Begin, Overseer } from './wait/overseer.ts'

// The doors of the world: time, randomness, scheduling.
export { sleep, systemClock } from './world/clock.ts'
export type { Clock } from './world/clock.ts'
export { ManualClock } from './world/manual-clock.ts'
export { seededRandom, systemRandom } from './world/random.ts'
export type { Random } from './world/random.ts'
export { microtaskScheduler, systemScheduler } from './world/scheduler.ts'
export type { Scheduler } from './world/scheduler.ts'
