import { memory, type MemorySink } from '@millrace/connector-memory'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import type { PipelineBuilder } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife } from './simulated-job.ts'

/** Event times by split. */
type Times = Readonly<Record<string, readonly number[]>>

const first: Times = { a: [100, 900, 2_400], b: [200, 2_100], c: [300, 1_500, 2_200] }
/** Between the newest times of the splits. */
const more: Times = { ...first, b: [...first['b']!, 2_150, 2_250, 2_350] }

/** Runs over all that the splits have now. */
async function run(
  times: Times,
  late: MemorySink<number>,
  { platform, parallelism }: { readonly platform: SimPlatform; readonly parallelism: number },
): Promise<void> {
  const build = (p: PipelineBuilder): void => {
    const table = p
      .from('events', pacedSource(times, 1))
      .withTimestamps({ timestamp: (time) => time, maxOutOfOrderness: 0 })
      .keyBy((time) => time % 3)
      .toTable('table', { expireAfter: 50 })
    table.late.to('late', late)
    table.map((time) => time).to('rows', memory.writeTable<number>())
  }
  const { result } = await live(build, { platform, parallelism })
  expect(result).toEqual({ outcome: 'finished' })
}

/** The late records of runs over these times, one after the other. */
async function lateIn(
  runs: readonly Times[],
  { seed, parallelism }: { readonly seed: number; readonly parallelism: number },
): Promise<readonly number[]> {
  const late = memory.write<number>()
  let platform = simPlatform({ seed })
  for (const times of runs) {
    await run(times, late, { platform, parallelism })
    platform = nextLife(platform, seed)
  }
  return late.values.toSorted((a, b) => a - b)
}

describe('a run that finds nothing new', () => {
  const seeds = Array.from({ length: 10 }, (_, seed) => seed + 1)
  test.each([1, 2, 3])(
    'leaves event time where the last one ended, with %i subtasks',
    async (parallelism) => {
      for (const seed of seeds) {
        const expected = await lateIn([first, more], { seed, parallelism })
        expect([seed, await lateIn([first, first, more], { seed, parallelism })]).toEqual([seed, expected])
        expect([seed, await lateIn([first, first, first, more], { seed, parallelism })]).toEqual([
          seed,
          expected,
        ])
      }
    },
  )
})
