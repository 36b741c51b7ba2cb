import type { EventTimeWait } from '../observe/event-time-wait.ts'
import type { CheckpointFigures, TaskCounters } from '../observe/metrics.ts'
import type { Outage } from '../observe/outage.ts'
import type { StoreUsage } from '../state/state-store.ts'
import type { StopProgress } from './stop-phases.ts'

/** How a job ended. */
export type JobResult =
  /** Its bounded input was read to the end, or it was drained: every window and timer fired, all is committed. */
  | { readonly outcome: 'finished' }
  /** It was stopped: its input so far is committed, and a later start resumes there. */
  | { readonly outcome: 'stopped' }
  /** It failed; nothing after its last checkpoint was committed. */
  | { readonly outcome: 'failed'; readonly error: unknown }

/** The current status of a job. */
export interface JobStatus {
  readonly phase: 'starting' | 'running' | 'restarting' | 'stopping' | 'ended'
  readonly restarts: number
  readonly tasks: readonly TaskCounters[]
  readonly state: StoreUsage | undefined
  readonly lastCheckpoint: CheckpointFigures | undefined
  /** The sources, sinks and operators whose systems cannot be reached. */
  readonly outages: readonly Outage[]
  /** What event time waits for: empty while nothing blocks it. */
  readonly eventTimeWaits: readonly EventTimeWait[]
  /** How far the stop has got that was asked for; undefined before. */
  readonly stop: StopProgress | undefined
}
