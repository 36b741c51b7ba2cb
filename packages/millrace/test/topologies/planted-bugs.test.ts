import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { env } from 'node:process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { simulatorBugs } from '../simulator-bugs/bugs.ts'
import { changedSource } from '@millrace/testkit'
import { hunt, packages, type SimulatorBug } from '../simulator-bugs/hunt.ts'
import { additionBugs } from './addition-bugs.ts'
import { seedsPerTopology } from './trial.ts'

const entry = path.join(import.meta.dirname, 'mutant-trial.ts')
/** For a machine that is busy with something else. */
const longestMs = 180_000

/** Mistakes that runs with and without crashes share: only who knows the result without an engine can see them. */
const sharedBugs: readonly Pick<SimulatorBug, 'name' | 'plant'>[] = [
  {
    name: 'a record at the very start of a window counts for the one before',
    plant: {
      file: 'flow/src/window/sliding.ts',
      from: 'floorMod(whole - offset, period)',
      to: '(floorMod(whole - offset - 1, period) + 1)',
    },
  },
  {
    name: 'a record is taken by a window that ends at the watermark',
    plant: {
      file: 'flow/src/window/window-operator.ts',
      from: 'if (watermark >= this.#closesAt)',
      to: 'if (watermark > this.#closesAt)',
    },
  },
  {
    name: 'reduce hands the two values over in the wrong order',
    plant: {
      file: 'flow/src/operators/reduce.ts',
      from: 'this.#combine(before.value, record.value)',
      to: 'this.#combine(record.value, before.value)',
    },
  },
]

/** Mistakes that show only after a crash or a rescale. */
const crashBugs = [
  'timers are not taken up again',
  'windows are not taken up again',
  'calls in flight are not made again',
  'barriers are not aligned',
].map((wanted) => simulatorBugs.find(({ name }) => name === wanted)!)

const all = [...sharedBugs, ...crashBugs]
const level = env['MILLRACE_TEST_LEVEL']
const tried = level === 'short' ? [sharedBugs[0]!, crashBugs[0]!] : all
const triedAdditions = level === 'short' ? additionBugs.slice(0, 1) : additionBugs

// Each runs in a process of its own.
vi.setConfig({ maxConcurrency: 2 })

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-topologies-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

test.concurrent.each(tried)(
  'drawn topologies find it within 200 seeds: $name',
  async ({ name, plant }) => {
    const place = path.join(directory, String(all.findIndex((bug) => bug.name === name)))
    const said = await hunt(plant, place, { entry })
    const isShared = sharedBugs.some((bug) => bug.name === name)
    expect(said).toMatch(isShared ? /the oracle foretells/ : /^seed \d+: ./)
  },
  longestMs,
)

test.each(additionBugs)('where this is planted there is one place for it: $name', async ({ plant }) => {
  expect(await changedSource(packages, plant)).toContain(plant.to)
})

test.concurrent.each(triedAdditions)(
  'drawn topologies find what shows only where something is added: $name',
  async ({ name, plant, seed, feature }) => {
    const more = feature === undefined ? [] : [feature]
    const place = path.join(directory, `addition-${additionBugs.findIndex((bug) => bug.name === name)}`)
    // The topology that is known to find it. A change of the engine moves bugs to other seeds.
    const near = { from: seed - (seed % seedsPerTopology), seeds: seedsPerTopology, entry, more }
    const said =
      (level === 'full' ? undefined : await hunt(plant, place, near)) ??
      (await hunt(plant, place, { entry, more }))
    expect(said).toMatch(/the oracle foretells|^seed \d+: ./)
  },
  longestMs,
)
