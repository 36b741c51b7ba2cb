import { memory } from '@millrace/connector-memory'
import { output, pipeline, state } from '@millrace/flow'
import { expect, test } from 'vitest'
import { simulateSeeds } from './simulate.ts'

test('elements that expire are the same state whatever else their subtask keeps', async () => {
  const numbers = Array.from({ length: 60 }, (_, n) => n)
  const listing = pipeline('listing', (p) => {
    p.from('numbers', memory.read({ all: numbers }))
      .withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: 0 })
      .keyBy((n) => n % 5)
      .process('keep', {
        output: output<number>(),
        state: { all: state.list<number>({ ttl: { after: '1h' } }) },
        onRecord({ value }, { state: { all }, emit }) {
          all.add(value)
          emit(all.get().length)
        },
      })
      .to('out', memory.write())
  })
  const { faults, notCompared } = await simulateSeeds(listing, { seeds: 20 })
  expect(faults['rescale']).toBeGreaterThan(0)
  expect(notCompared).toEqual([])
})
