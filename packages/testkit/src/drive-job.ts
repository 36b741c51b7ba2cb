import { systemScheduler } from '@millrace/world'
import type { ManualClock } from '@millrace/world'
import type { Job, JobResult } from '@millrace/core/job'

/** Limits for a job that does not end. */
export interface DriveLimits {
  /** Simulated milliseconds. Default: a day. */
  readonly longestMs?: number
  /** Called each time no work is left at the current time; true ends the wait. */
  readonly until?: () => boolean
}

/** The number of event-loop turns in which work without a clock must settle. */
const settlingTurns = 8
/**
 * Before a step of time longer than this, in milliseconds, there are this many times more turns, because the step
 * cannot be undone.
 */
const leapMs = 100
const leapRounds = 20

/**
 * Runs a job in simulated time: whenever no work is left, the clock moves to the next timer.
 *
 * Resolves with the job's result, or with undefined when `until` ended the drive. Rejects when the maximum of simulated
 * time has passed, or when the job waits without a timer.
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
