import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { env, stdout } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokenPromise } from './broken-promise.ts'
import { changedLines } from './changed-lines.ts'
import { mistakes } from './mistakes.ts'
import { buildMutant, changedSource, runMutant } from './mutant.ts'
import { trials } from './trials.ts'

/** For a machine that is busy with something else. */
const longestMs = 180_000
const isShort = env['MILLRACE_TEST_LEVEL'] === 'short'

test.each(changedLines)('where this is planted there is one place for it: $name', async ({ plant }) => {
  expect(await changedSource(plant)).toContain(plant.to)
})

describe.skipIf(isShort)('each planted bug is found by the trial that is made for it', () => {
  let directory: string
  let caught = 0
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'millrace-mutants-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true })
    stdout.write(`planted bugs: caught ${caught}/${mistakes.length + changedLines.length}\n`)
  })

  test.each(mistakes)(
    '$name',
    async ({ plant, trial, near, shows }) => {
      const found: unknown = await trials[trial](near, plant).catch((error: unknown) => error)
      expect(found).toBeInstanceOf(BrokenPromise)
      expect((found as BrokenPromise).message).toMatch(shows)
      caught++
    },
    longestMs,
  )

  test.each(changedLines)(
    '$name',
    async ({ plant, shows, ...where }) => {
      const program = await buildMutant(plant, directory)
      expect(await runMutant(program, where)).toMatch(shows)
      caught++
    },
    longestMs,
  )

  test('a program that is built in the same way with nothing changed passes', async () => {
    const { file, from } = changedLines[0]!.plant
    const program = await buildMutant({ file, from, to: from }, directory)
    expect(await runMutant(program, { trial: 'short writes', near: /./ })).toBeUndefined()
    expect(await runMutant(program, { trial: 'a second process', near: /./ })).toBeUndefined()
  })
})
