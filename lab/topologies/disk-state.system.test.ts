import { diskStore, memoryStore, type StateStore } from 'millrace'
import { expect, test } from 'vitest'
import { drawTopology } from './drawing.ts'
import { seedsPerTopology, tryTopology } from './trial.ts'

const isFull = process.env['MILLRACE_TEST_LEVEL'] === 'full'
const topologies = isFull ? 400 : 3

/** Memory for one value: all others are read from the disk at each look-up. */
const tiny = (): StateStore => diskStore({ memoryBytes: 4096, segmentBytes: 16_384 })

async function failuresOf(store: () => StateStore): Promise<string> {
  const failures: string[] = []
  for (let i = 0; i < topologies; i++) {
    const seed = i * seedsPerTopology
    const seeds = isFull ? seedsPerTopology : 1
    failures.push(...(await tryTopology(drawTopology(seed), seed, seeds, { store })).failures)
  }
  return failures.join('\n\n')
}

test('drawn topologies give the same results with state on disk and memory for one value', async () => {
  expect(await failuresOf(tiny)).toBe('')
}, 600_000)

test('drawn topologies give the same results when each life keeps its state elsewhere', async () => {
  let lives = 0
  expect(await failuresOf(() => (++lives % 2 === 0 ? memoryStore({ segmentBytes: 16_384 }) : tiny()))).toBe(
    '',
  )
}, 600_000)
