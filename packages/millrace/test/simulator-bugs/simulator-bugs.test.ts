import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { env, stdout } from 'node:process'
import { changedSource } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { simulatorBugs } from './bugs.ts'
import { hunt, packages, seedsMax } from './hunt.ts'

/** For a machine that is busy with something else. */
const longestMs = 180_000
const isFull = env['MILLRACE_TEST_LEVEL'] === 'full'
const isShort = env['MILLRACE_TEST_LEVEL'] === 'short'
const tried = isShort ? simulatorBugs.slice(0, 5) : simulatorBugs

test.each(simulatorBugs)('where this is planted there is one place for it: $name', async ({ plant }) => {
  expect(await changedSource(packages, plant)).toContain(plant.to)
})

test('more than 25 bugs are planted, and each is known to be found within 200 seeds', () => {
  expect(simulatorBugs.length).toBeGreaterThan(25)
  expect(Math.max(...simulatorBugs.map(({ seed }) => seed))).toBeLessThan(seedsMax)
})

// Each runs in a process of its own.
vi.setConfig({ maxConcurrency: 2 })

describe('the simulator finds each planted bug', () => {
  let directory: string
  let caught = 0
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'millrace-simulator-bugs-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true })
    stdout.write(`planted bugs in pipelines and engine: caught ${caught}/${tried.length}\n`)
  })

  test.concurrent.each(tried)(
    '$name',
    async ({ name, plant, shows, seed }) => {
      // The seed that is known to find it, and the one before: what is found at once is found by those as well.
      const near = { from: Math.max(0, seed - 1), seeds: 2 }
      const place = path.join(directory, String(simulatorBugs.findIndex((bug) => bug.name === name)))
      // A change of the engine moves bugs to other seeds.
      const said = (isFull ? undefined : await hunt(plant, place, near)) ?? (await hunt(plant, place))
      expect(said).toMatch(shows)
      caught++
    },
    longestMs,
  )

  test(
    'and nothing where nothing is planted',
    async () => {
      const { file, from } = simulatorBugs[0]!.plant
      const seeds = isFull ? seedsMax : 1 + Math.max(...tried.map(({ seed }) => seed))
      expect(await hunt({ file, from, to: from }, directory, { seeds })).toBeUndefined()
    },
    longestMs * 3,
  )
})
