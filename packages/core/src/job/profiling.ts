import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { ThreadProfile } from './thread-profile.ts'

/** The part of an attempt that is profiled. */
interface Profiled {
  profile(ms: number): Promise<readonly ThreadProfile[]>
}

/** Profiles of a job: one at a time, and only while it runs. */
export class Profiling {
  #isRunning = false

  /** `attempt` is undefined if the job is not running. Rejects as `Job.profile` does. */
  async run(attempt: Profiled | undefined, phase: string, ms: number): Promise<readonly ThreadProfile[]> {
    if (attempt === undefined) {
      throw new MillraceError('JOB_FAILED', `the job is ${phase}, and cannot be profiled; try again later`)
    }
    if (this.#isRunning) {
      throw new MillraceError('JOB_FAILED', 'the job is being profiled; try again when that has ended')
    }
    this.#isRunning = true
    try {
      return await attempt.profile(ms)
    } catch (error) {
      if (isMillraceError(error, 'OPTION_INVALID')) throw error
      throw new MillraceError('JOB_FAILED', `the profile was lost: ${describeError(error)}. Try again`, {
        cause: error,
      })
    } finally {
      this.#isRunning = false
    }
  }
}
