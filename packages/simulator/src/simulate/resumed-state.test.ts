import { memory } from '@millrace/connector-memory'
import { count, pipeline, session } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
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

describe('state that expires by event time, where the input has grown after a run', () => {
  const kept = pipeline('kept', (p) => {
    p.from('visits', memory.read(visits([0])))
      .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: 0 })
      .keyBy(({ user }) => user)
      .scan(
        'kept',
        () => 0,
        (n) => n + 1,
        { ttl: { after: '100ms' } },
      )
      .to('out', memory.write())
  })
  const times = Array.from({ length: 20 }, (_, n) => n * 40)
  const options = { seeds: 12, faults: { grow: 1 } } as const

  test('is compared if there is one split', async () => {
    const { faults, notCompared } = await simulateSeeds(kept, {
      ...options,
      inputs: { visits: visits(times) },
    })
    expect(faults['grow']).toBeGreaterThan(3)
    expect(notCompared).toEqual([])
  })

  test('is not compared if there are several, which had come further apart then', async () => {
    const inputs = { visits: { a: visits(times), b: visits(times.map((at) => at * 3)) } }
    const { notCompared } = await simulateSeeds(kept, { ...options, inputs })
    expect(notCompared.map(({ sink }) => sink).toSorted()).toEqual(['(state of kept)', 'out'])
  })
})
