import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateSeeds } from '@millrace/simulator'
import { testPipeline } from 'millrace/testing'
import words from './words.ts'

test('counts words', async () => {
  const run = await testPipeline(words)
  await run.send('lines', 'a b', 'A')
  assert.deepEqual(run.output('counts'), [
    { key: 'a', value: 1 },
    { key: 'b', value: 1 },
    { key: 'a', value: 2 },
  ])
})

test('loses and duplicates nothing when it crashes', async () => {
  const { failures } = await simulateSeeds(words, { seeds: 10, inputs: { lines: ['a b a', 'b', 'c a'] } })
  assert.deepEqual(failures, [])
})
