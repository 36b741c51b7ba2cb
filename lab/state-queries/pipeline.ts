import { pipeline } from 'millrace'
import { generator } from '@millrace/connector-generator'
import { memory } from '@millrace/connector-memory'

/** How many keys there are. */
export const keys = 100

/** What is kept for a key: record `i` has the key `i % keys`, so after `n` records the newest is `key + (n - 1) * keys`. */
export interface Kept {
  readonly n: number
  readonly newest: number
}

/** Counts records by key, as fast as `rate`. */
export default pipeline(
  'counted',
  (p) => {
    const rate = p.parameter('rate', 20_000)
    p.from('numbers', generator.generate({ seed: 1, rate, make: ({ index }) => index }))
      .keyBy((index) => index % keys)
      .scan(
        'count',
        (): Kept => ({ n: 0, newest: -1 }),
        ({ n }, index) => ({ n: n + 1, newest: index }),
      )
      .filter(() => false)
      .to('nothing', memory.write())
  },
  { checkpointEvery: '200ms' },
)
