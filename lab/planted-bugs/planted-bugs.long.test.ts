import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stdout } from 'node:process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { plantedBugs } from './bugs.ts'
import { catchBug } from './catch-bug.ts'

/** Ends a test that hangs. */
const longestMs = 1_800_000

// Each runs in its own process.
vi.setConfig({ maxConcurrency: 2 })

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-planted-bugs-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

const kinds = [...new Set(plantedBugs.map(({ caughtBy }) => caughtBy.kind))]

describe.each(kinds)('planted bugs are caught by %s', (kind) => {
  const bugs = plantedBugs.filter(({ caughtBy }) => caughtBy.kind === kind)
  let caught = 0
  afterAll(() => {
    stdout.write(`planted bugs: ${kind} caught ${caught}/${bugs.length}\n`)
  })

  test.concurrent.each(bugs)(
    '$name',
    async (bug) => {
      const place = path.join(directory, `${kind}-${bugs.indexOf(bug)}`)
      expect(await catchBug(bug, place)).toMatch(bug.shows)
      caught++
    },
    longestMs,
  )

  test(
    'and nothing is caught without a planted bug',
    async () => {
      const [{ plant, caughtBy }] = bugs as [(typeof bugs)[number]]
      const unchanged = { plant: { ...plant, to: plant.from }, caughtBy }
      expect(
        await catchBug(unchanged, path.join(directory, `${kind}-none`), { isFromStart: true }),
      ).toBeUndefined()
    },
    longestMs,
  )
})
