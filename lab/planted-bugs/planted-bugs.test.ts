import { changedSource } from './mutant.ts'
import { expect, test } from 'vitest'
import { plantedBugs } from './bugs.ts'
import { packages, seedsMax } from './catch-bug.ts'

test.each(plantedBugs)('its text occurs exactly once: $name', async ({ plant }) => {
  expect(await changedSource(packages, plant)).toContain(plant.to)
})

test('the names of the planted bugs of one catcher are unique', () => {
  const names = plantedBugs.map(({ name, caughtBy }) => `${caughtBy.kind}: ${name}`)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('more than 25 bugs are planted for the simulator, each known to be found within 200 seeds', () => {
  const seeds = plantedBugs.flatMap(({ caughtBy }) => (caughtBy.kind === 'simulator' ? [caughtBy.seed] : []))
  expect(seeds.length).toBeGreaterThan(25)
  expect(Math.max(...seeds)).toBeLessThan(seedsMax)
})
