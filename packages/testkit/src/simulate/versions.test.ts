import { MemorySink, memorySource } from '@millrace/core'
import { count, pipeline, tumbling, type Pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { failureOf } from '../../test/simulation-failure-of.ts'
import { simulate, simulateSeeds } from './simulate.ts'

/** Counts per window, with allowed lateness: a window that fires again, or a record that becomes late, shows. */
function counting(change: { readonly name?: string; readonly steps?: number } = {}): Pipeline {
  return pipeline('counting', (p) => {
    const clicks = Array.from({ length: 200 }, (_, n) => ({
      user: `u${n % 5}`,
      at: n * 20 - ((n * 7) % 5) * 30,
    }))
    let stream = p
      .from('clicks', memorySource({ all: clicks }))
      .withTimestamps({ at: ({ at }) => at, disorder: 60 })
    for (let step = 0; step < (change.steps ?? 0); step++) stream = stream.filter(() => true)
    const counts = stream
      .keyBy(({ user }) => user)
      .window(tumbling(200))
      .aggregate(change.name ?? 'counts', { n: count() }, { allowedLateness: 500 })
    counts.to('out', new MemorySink())
    counts.late.to('late', new MemorySink())
  })
}

test('a restart may continue with a later version of the program, whose results are the same', async () => {
  const versions = [counting({ steps: 1 }), counting({ steps: 2 }), counting()]
  const faults = { kill: 3, stop: 2, upgrade: 2 }
  const report = await simulateSeeds(counting(), { seeds: 20, parallelism: 1, faults, versions })
  expect(report.faults['upgrade']).toBeGreaterThan(5)
})

test('without later versions no program is upgraded', async () => {
  expect((await simulateSeeds(counting(), { seeds: 20 })).faults['upgrade']).toBeUndefined()
})

test('a version that leaves state behind is refused, which breaks a promise', async () => {
  const versions = [counting({ name: 'renamed' })]
  const failure = await failureOf(simulateSeeds(counting(), { seeds: 20, versions }))
  expect(failure.message).toContain('CHECKPOINT_INCOMPATIBLE')
  expect(failure.message).toContain('renamed')
})

test('a job that has finished is started again, and nothing comes out twice', async () => {
  const report = await simulate(counting(), { seed: 0, faults: { resume: 1 } })
  expect(report.faults.map(({ kind }) => kind)).toEqual(['resume'])
  expect(report.lives).toBe(2)
})
