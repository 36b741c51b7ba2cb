import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { env, stdout } from 'node:process'
import { buildMutant, changedSource, runMutant } from '@millrace/testkit'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrokenPromise } from './broken-promise.ts'
import { changedLines } from './changed-lines.ts'
import { mistakes } from './mistakes.ts'
import { trials } from './trials.ts'

/** For a machine that is busy with something else. */
const longestMs = 180_000
const packages = path.resolve(import.meta.dirname, '../../..')
const entry = path.join(import.meta.dirname, 'mutant-trial.ts')
const isShort = env['MILLRACE_TEST_LEVEL'] === 'short'

test.each(changedLines)('where this is planted there is one place for it: $name', async ({ plant }) => {
  expect(await changedSource(packages, plant)).toContain(plant.to)
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
    async ({ plant, shows, trial, near }) => {
      const program = await buildMutant(build, plant, { root: packages, entry, directory })
      expect(await runMutant(program, [trial, near.source])).toMatch(shows)
      caught++
    },
    longestMs,
  )

  test('a program that is built in the same way with nothing changed passes', async () => {
    const { file, from } = changedLines[0]!.plant
    const program = await buildMutant(build, { file, from, to: from }, { root: packages, entry, directory })
    expect(await runMutant(program, ['short writes', '.'])).toBeUndefined()
    expect(await runMutant(program, ['a second process', '.'])).toBeUndefined()
  })
})
