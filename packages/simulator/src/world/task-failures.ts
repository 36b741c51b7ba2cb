import type { SchedulePolicy } from './schedule-policy.ts'
import { waitLines } from './standstill.ts'
import type { OpenWait } from './standstill.ts'

/** How many of the last steps a failure shows. */
const STEPS_SHOWN = 20

/** A test ended, and others still wait. Time does not advance by then: they would never resume. */
export class LeftOverTasks extends Error {
  override readonly name = 'LeftOverTasks'

  constructor(waits: readonly OpenWait[], waitsText: string = waitLines(waits)) {
    super(
      'the test has ended, and these still wait; end them in the test, as leaving a scope does, ' +
        `or say mayLeaveTasks:\n${waitsText}`,
    )
  }
}

/** What is known of a run that failed. */
export interface FailedRun {
  readonly seed: number
  readonly policy: SchedulePolicy
  /** Whether the seed did the same when it ran again. */
  readonly isSame: boolean
  readonly thrown: unknown
  readonly steps: number
  /** The last steps, oldest first. */
  readonly lines: readonly string[]
}

/** A seed with which a simulated test fails; the cause is what went wrong. */
export class TaskSimulationFailure extends Error {
  override readonly name = 'TaskSimulationFailure'
  /** Give it to `simulateTasks` to run this one alone. */
  readonly seed: number

  constructor({ seed, policy, isSame, thrown, steps, lines }: FailedRun) {
    const cause = thrown instanceof Error ? thrown.message : String(thrown)
    const again = isSame
      ? `Run it alone with { seed: ${seed} }.`
      : `Running it again went otherwise: something besides the seed has a part in it, such as the real time, ` +
        `Math.random or state that an earlier run left behind.`
    super(
      `seed ${seed} fails after ${steps} steps (${policy.name}): ${cause}\n${again}\n` +
        `The last steps:\n${lines
          .slice(-STEPS_SHOWN)
          .map((line) => `  ${line}`)
          .join('\n')}`,
      { cause: thrown },
    )
    this.seed = seed
  }
}
