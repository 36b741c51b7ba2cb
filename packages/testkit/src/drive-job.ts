import { systemScheduler } from '@millrace/world'
import type { ManualClock } from '@millrace/world'
import type { Job, JobResult } from '@millrace/core/job'

/** When to stop waiting for a job that does not end. */
export interface DriveLimits {
  /** Simulated milliseconds. Default: a day. */
  readonly longestMs?: number
  /** Called each time nothing is left to do at the present moment; true ends the drive. */
  readonly until?: () => boolean
}

/** How many turns of the event loop everything that needs no clock gets to settle. */
const settlingTurns = 8
/** Before time leaps further than this, in milliseconds, it gets so many times more: a leap cannot be taken back. */
const leapMs = 100
const leapRounds = 20

/**
 * Runs a job in simulated time: whenever it has nothing left to do now, the clock moves to its next timer.
 *
 * Resolves with the job's result, or with undefined when `until` ended the drive. Rejects when simulated time runs
 * out, or when the job waits for something that no clock will bring.
 *
 * @example
 * const platform = simPlatform({ seed: 1 })
 * const result = await driveJob(startJob({ ...options, platform }), platform.clock) // => { outcome: 'finished' }
 */
export async function driveJob(
  job: Job,
  clock: ManualClock,
  limits: DriveLimits = {},
): Promise<JobResult | undefined> {
  const { longestMs = 86_400_000, until = () => false } = limits
  const endMs = clock.monotonic() + longestMs
  let result: JobResult | undefined
  void job.ended.then((ended) => {
    result = ended
  })
  let stillRounds = 0
  for (;;) {
    for (let turn = 0; turn < settlingTurns && result === undefined; turn++) await systemScheduler.turn()
    if (result !== undefined) return result
    if (until()) return undefined
    const delay = clock.nextDelay()
    if (delay === undefined) {
      // Real work (a file, a socket) may be pending, but not without end.
      if (++stillRounds > 10_000) throw new Error('the job waits for something that no timer will bring')
      continue
    }
    if (delay > leapMs && ++stillRounds <= leapRounds) continue
    stillRounds = 0
    await clock.advance(delay)
    if (clock.monotonic() > endMs) throw new Error(`the job did not end within ${longestMs} simulated ms`)
  }
}
