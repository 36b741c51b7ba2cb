import type { SchedulePolicy } from './schedule-policy.ts'
import { waitLines } from './standstill.ts'
import type { OpenWait } from './standstill.ts'

/** The number of last steps that a failure shows. */
const STEPS_SHOWN = 20

/** Tasks still wait after the test has ended. Time no longer advances, so they would never resume. */
export class LeftOverTasks extends Error {
  override readonly name = 'LeftOverTasks'

  constructor(waits: readonly OpenWait[], waitsText: string = waitLines(waits)) {
    super(
      'the test has ended, and these still wait; end them in the test, as leaving a scope does, ' +
        `or say mayLeaveTasks:\n${waitsText}`,
    )
  }
}

/** The facts of a failed run. */
export interface FailedRun {
  readonly seed: number
  readonly policy: SchedulePolicy
  /** Whether the seed behaved the same when it was repeated. */
  readonly isSame: boolean
  readonly thrown: unknown
  readonly steps: number
  /** The last steps, oldest first. */
  readonly lines: readonly string[]
}

/** A simulated test failed with a seed; the cause is the original error. */
export class TaskSimulationFailure extends Error {
  override readonly name = 'TaskSimulationFailure'
  /** The seed; pass it to `simulateTasks` to run it alone. */
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
