import { sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { isGivenUp } from '../checkpoint/coordinator.ts'
import type { CheckpointOptions } from './job-options.ts'

/** What a checkpoint loop works with. */
export interface CheckpointLoopOptions extends Pick<CheckpointOptions, 'everyMs' | 'minPauseMs'> {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Makes a checkpoint. One that is given up is no reason to stop. */
  readonly checkpoint: () => Promise<unknown>
  /** Whether the job is making its last checkpoint. */
  readonly isEnding: () => boolean
}

/** Makes checkpoints at an interval, until the job ends. Rejects once `signal` aborts, or with what must fail the job. */
export async function repeatCheckpoints(options: CheckpointLoopOptions): Promise<void> {
  const { clock, everyMs, minPauseMs, signal, checkpoint, isEnding } = options
  let pauseMs = everyMs
  for (;;) {
    await sleep(clock, pauseMs, signal)
    if (isEnding()) return
    const startedAt = clock.monotonic()
    await checkpoint().catch((error: unknown) => {
      if (!isGivenUp(error)) throw error
    })
    pauseMs = Math.max(startedAt + everyMs - clock.monotonic(), minPauseMs, 0)
  }
}
