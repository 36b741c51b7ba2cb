import { stdout } from 'node:process'
import { afterAll, expect, test } from 'vitest'
import { BrokenPromise } from './broken-promise.ts'
import { mistakes } from './mistakes.ts'
import { trials } from './trials.ts'

/** Ends a test that hangs. */
const longestMs = 1_800_000

let caught = 0
afterAll(() => {
  stdout.write(`mistakes of sources, sinks, stores and disks: caught ${caught}/${mistakes.length}\n`)
})

test.each(mistakes)(
  'the intended trial catches: $name',
  async ({ plant, trial, near, shows }) => {
    const found: unknown = await trials[trial](near, plant).catch((error: unknown) => error)
    expect(found).toBeInstanceOf(BrokenPromise)
    expect((found as BrokenPromise).message).toMatch(shows)
    caught++
  },
  longestMs,
)
