import { memory } from '@millrace/connector-memory'
import { expect, test } from 'vitest'
import { pipeline } from '../pipeline.ts'
import { state } from './state-spec.ts'

function limits(seed: Record<string, unknown>, after?: string): () => void {
  return () =>
    pipeline('test', (p) =>
      p
        .from('in', memory.read<string>({}))
        .withTimestamps({ timestamp: () => 0 })
        .keyBy((card) => card)
        .process('limits', {
          state: { limit: state.value<number>(after === undefined ? {} : { ttl: { after: '1h' } }) },
          seed: { id: 'one', from: ['c1'], key: (card: string) => card, fill() {}, ...seed },
          onRecord() {},
        })
        .to('out', memory.write()),
    ).describe()
}

test.each([
  [{ id: '' }, "the seed of 'limits' needs an id, such as 'prices-2026-11'"],
  [{ from: 'c1' }, "the seed of 'limits' needs its rows in 'from': an array"],
  [
    { from: ['c1'].values() },
    "the rows of the seed of 'limits' are an iterator, which can be read only once",
  ],
  [{ key: async () => 'c1' }, 'is async'],
  [{ fil: 1 }, 'has no option fil; did you mean fill?'],
])('seed: %o is refused when the pipeline is described', (seed, message) => {
  expect(limits(seed)).toThrow(message)
})

test('seed: state that expires by event time needs to know when the values were written', () => {
  expect(limits({}, '1h')).toThrow("the seed of 'limits' needs time, because the state expires by event time")
  expect(limits({ time: () => 0 }, '1h')).not.toThrow()
})

test('seed: a source that cannot be read again is refused', () => {
  const from = { ...memory.read<string>(['c1']), durability: 'volatile', discover: () => {} }
  expect(limits({ from })).toThrow('whose data cannot be read again after a crash')
})
