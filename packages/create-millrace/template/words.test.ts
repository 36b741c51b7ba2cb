import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { simulateSeeds } from '@millrace/testkit'
import { run } from 'millrace'
import words from './words.ts'

test('counts words', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'words-'))
  const input = path.join(directory, 'in.txt')
  const output = path.join(directory, 'counts.ndjson')
  await writeFile(input, 'a b a\n')
  await run(words, { bounded: true, dataDir: path.join(directory, 'data'), parameters: { input, output } })
  assert.equal(
    await readFile(output, 'utf8'),
    '{"key":"a","value":1}\n{"key":"b","value":1}\n{"key":"a","value":2}\n',
  )
})

test('loses and doubles nothing, whatever crashes', async () => {
  const { failures } = await simulateSeeds(words, { seeds: 10, inputs: { lines: ['a b a', 'b', 'c a'] } })
  assert.deepEqual(failures, [])
})
