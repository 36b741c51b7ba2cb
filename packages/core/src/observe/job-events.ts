import type { CheckpointFigures } from './metrics.ts'

/** What happens in the life of a job, for logs and screens. */
export type JobEvent =
  /** Another process may still use the data directory, and cannot be seen from here: waits until its lease is over. */
  | { readonly kind: 'waitingForOwner'; readonly owner: string; readonly leaseMs: number }
  | {
      readonly kind: 'started'
      readonly restoredFrom: number | undefined
      /** How often exactly-once results become visible. */
      readonly checkpointEveryMs: number
    }
  | { readonly kind: 'checkpointCompleted'; readonly figures: CheckpointFigures }
  | { readonly kind: 'checkpointAbandoned'; readonly checkpoint: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown; readonly restartInMs: number | undefined }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'ended'; readonly outcome: 'finished' | 'stopped' | 'failed' }

/** Is told of every event in the life of a job, at once; must not throw. */
export type JobObserver = (event: JobEvent) => void
