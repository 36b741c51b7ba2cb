/** The control API of a running job. */
export { Control, startControl } from './server/control.ts'
export type { ControlOptions, ShowOptions, StartOptions } from './server/control.ts'
export type { DividedJob, PartOwner } from './parts/divided-job.ts'
export type { WatchedJob, WatchOptions } from './job/watched-job.ts'
export { pathOf, routes } from './contract/routes.ts'
