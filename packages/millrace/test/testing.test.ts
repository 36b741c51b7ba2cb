import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { memory, pipeline } from '../src/index.ts'
import { testPipeline } from '../src/testing.ts'

test('testPipeline of millrace/testing runs a pipeline of millrace', async () => {
  const doubling = pipeline('doubling', (p) => {
    p.from('in', memory.read<number>([]))
      .map((n) => n * 2)
      .to('out', memory.write())
  })
  const run = await testPipeline(doubling)
  await run.send('in', 1, 2)
  expect(run.output('out')).toEqual([2, 4])
})

test('no other module of millrace loads the testkit', () => {
  const source = path.resolve(import.meta.dirname, '../src')
  const loading = readdirSync(source).filter((name) =>
    readFileSync(path.join(source, name), 'utf8').includes("'@millrace/testkit'"),
  )
  expect(loading).toEqual(['testing.ts'])
})
