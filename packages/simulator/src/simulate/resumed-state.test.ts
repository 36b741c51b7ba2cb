import { memory } from '@millrace/connector-memory'
import { count, pipeline, session } from '@millrace/flow'
import { expect, test } from 'vitest'
import { simulateSeeds } from './simulate.ts'

interface Visit {
  readonly at: number
  readonly user: string
}

const visits = (times: readonly number[]): readonly Visit[] =>
  times.map((at, index) => ({ at, user: `u${index % 2}` }))

test('a job that is started again after its end leaves the rows of windows as they were', async () => {
  const sessions = pipeline('sessions', (p) => {
    p.from('visits', memory.read(visits([0, 300, 340, 900, 1_200, 1_210])))
      .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 0 })
      .keyBy(({ user }) => user)
      .window(session('50ms'))
      .aggregate('sessions', { n: count() }, { emit: 'updates' })
      .toStream()
      .to('out', memory.write())
  })
  const { faults, notCompared } = await simulateSeeds(sessions, { seeds: 12, faults: { resume: 1 } })
  expect(faults['resume']).toBeGreaterThan(3)
  expect(notCompared).toEqual([])
})
