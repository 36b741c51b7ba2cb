import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stdout } from 'node:process'
import { buildMutant, changedSource, runMutant } from '@millrace/testkit'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { channelBugs } from './planted-bugs.ts'

const root = path.resolve(import.meta.dirname, '../../src')
const entry = path.join(import.meta.dirname, 'trial.ts')

test.each(channelBugs)('where this is planted there is one place for it: $name', async ({ plant }) => {
  expect(await changedSource(root, plant)).toContain(plant.to)
})

describe('each planted bug is found within 200 schedules of each law', () => {
  let directory: string
  let caught = 0
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'millrace-channel-mutants-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true })
    stdout.write(`planted bugs in channels: caught ${caught}/${channelBugs.length}\n`)
  })

  test.each(channelBugs)('$name', async ({ plant, shows }) => {
    expect(await runMutant(await buildMutant(build, plant, { root, entry, directory }))).toMatch(shows)
    caught++
  })

  test('a program that is built in the same way with nothing changed passes', async () => {
    const { file, from } = channelBugs[0]!.plant
    const program = await buildMutant(build, { file, from, to: from }, { root, entry, directory })
    expect(await runMutant(program)).toBeUndefined()
  })
})
