/**
 * Tests that run twice: once on the real event loop, and once under many schedules, each chosen by a seed.
 *
 * In the simulation `settle`, `hasSettled` and a `ManualClock` work as usual: the system scheduler is
 * replaced by the simulator's. The cost of one seed is multiplied by the number of seeds, so programs choose
 * their size for each form with `sized`.
 */
import { env } from 'node:process'
import { simulateTasks } from '@millrace/simulator'
import { test } from 'vitest'

/** How many schedules each test is run under. */
export const schedules = env['MILLRACE_TEST_LEVEL'] === 'full' ? 1_000 : 50

let isSimulated = false

/** One size for the real event loop, and a smaller one for a thousand simulated runs. */
export function sized(real: number, simulated: number): number {
  return isSimulated ? simulated : real
}

/**
 * A test that must pass on the real event loop and under every schedule. It may end while other tasks wait.
 */
export function everySchedule(name: string, run: () => Promise<void>): void {
  test(name, run)
  test(`${name}: ${schedules} schedules`, async () => {
    isSimulated = true
    try {
      await simulateTasks(run, { seeds: schedules, mayLeaveTasks: true })
    } finally {
      isSimulated = false
    }
  })
}

/** The same for each case; `%d` or `%s` in the name is replaced by it. */
everySchedule.each =
  <Case>(cases: readonly Case[]) =>
  (name: string, run: (each: Case) => Promise<void>): void => {
    for (const each of cases) everySchedule(name.replace(/%[ds]/, String(each)), () => run(each))
  }
