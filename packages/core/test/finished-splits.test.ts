import { expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import type { JobOptions } from '@millrace/core/job'
import { simPlatform } from '@millrace/testkit'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

/** So many splits of one record each, which end. More of them may come. */
function shortSplits(count: number): Source<number, number> {
  const splits = Object.fromEntries(Array.from({ length: count }, (_, n) => [`split-${n}`, [n]]))
  return {
    ...memory.read(splits),
    discover: async () => ({ splits: Object.keys(splits), isComplete: false }),
  }
}

/** Lives of one job with a source of short splits, until a checkpoint each. */
class Lives {
  readonly sink = memory.write<number>()
  #platform = simPlatform({ seed: 1 })

  /** Returns the size of the last manifest. */
  async one(splits: number, options: Pick<JobOptions, 'parallelism' | 'dropState'> = {}): Promise<number> {
    await live((p) => p.from('n', shortSplits(splits)).to('out', this.sink), {
      isBounded: false,
      ...untilCheckpoint,
      ...options,
      platform: this.#platform,
    })
    this.#platform = nextLife(this.#platform)
    const { fs } = this.#platform
    const manifests = fs.paths().filter((path) => path.endsWith('.json'))
    return fs.peek(manifests.toSorted().at(-1)!)!.length
  }
}

test('a split that has ended is not read again after a restart, at any parallelism', async () => {
  const lives = new Lives()
  for (const parallelism of [1, 3, 2, 1]) await lives.one(40, { parallelism })
  expect(lives.sink.values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n))
})

test('a source whose state is dropped reads every split again', async () => {
  const lives = new Lives()
  await lives.one(3)
  await lives.one(3, { dropState: ['n'] })
  expect(lives.sink.values.toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1, 2, 2])
})

test('a manifest does not grow with the splits that have ended', async () => {
  const few = await new Lives().one(10)
  const many = await new Lives().one(2_000)
  expect(many - few).toBeLessThan(100)
})
