import type { CheckpointFigures } from './metrics.ts'
import type { BreakerState } from './outage.ts'

/** The events of a job, for logs and screens. */
export type JobEvent =
  /**
   * Another process may still use the data directory on another host: the job waits until its lease expires.
   */
  | { readonly kind: 'waitingForOwner'; readonly owner: string; readonly leaseMs: number }
  | {
      readonly kind: 'started'
      readonly restoredFrom: number | undefined
      /** How often exactly-once results become visible. */
      readonly checkpointEveryMs: number
    }
  | { readonly kind: 'checkpointCompleted'; readonly figures: CheckpointFigures }
  | {
      readonly kind: 'checkpointAbandoned'
      readonly checkpoint: number
      readonly reason: string
      /** For how long it had run, in milliseconds. */
      readonly ranMs: number
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly restartInMs: number | undefined }
  | {
      readonly kind: 'warning'
      readonly message: string
      /** The address of the page that explains it. */
      readonly docs?: string
    }
  /**
   * The system behind a source, sink or operator cannot be reached. The part waits for it, and nothing is lost. `since` is
   * in milliseconds since the epoch.
   */
  | { readonly kind: 'outage'; readonly part: string; readonly since: number; readonly reason: string }
  /** It can be reached again. */
  | { readonly kind: 'recovered'; readonly part: string; readonly downMs: number }
  /** The circuit breaker of one subtask has changed its state. */
  | {
      readonly kind: 'breaker'
      readonly part: string
      readonly subtask: number
      readonly state: BreakerState
    }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'ended'; readonly outcome: 'finished' | 'stopped' | 'failed' }

/** Called with every event of a job, synchronously; must not throw. */
export type JobObserver = (event: JobEvent) => void
