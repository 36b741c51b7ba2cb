import type { StoreSnapshot } from '@millrace/core/store'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { StoreRun } from './store-run.ts'

function inners(run: StoreRun<number>, outer: string): unknown[] {
  return run.tables().flatMap((table) => [...table.cells(outer)].map((cell) => cell.inner))
}

test('EN-235 one, two, three subtasks and one again have the same cells', async () => {
  const fs = new SimFs()
  let from: StoreSnapshot | undefined
  const expected = new Map<string, number>()
  for (const [round, parallelism] of [1, 2, 3, 1].entries()) {
    const run = await StoreRun.open<number>(fs, { parallelism, ...(from && { from }) })
    expect(run.tables().every((table) => table.size > 0)).toBe(round > 0)
    expect(new Map(run.content().flatMap((table) => table[0]?.[1] ?? []))).toEqual(expected)
    for (let i = round * 10; i < 60; i++) {
      run.set('w', `key ${i}`, round)
      expected.set(`key ${i}`, round)
    }
    run.delete('w', `key ${round}`)
    expected.delete(`key ${round}`)
    from = await run.checkpoint()
    await run.store.close()
  }
})

test('EN-235 a drop by one subtask does not affect the groups of others', async () => {
  const fs = new SimFs()
  const two = await StoreRun.open<number>(fs, { parallelism: 2 })
  for (let i = 0; i < 40; i++) two.set('w', i, i)
  await two.checkpoint()
  const [first, second] = two.tables()
  first!.deleteOuter('w')
  const left = [...second!.cells('w')].map((cell) => cell.inner)
  expect(left.length).toBeGreaterThan(0)
  const one = await StoreRun.open<number>(fs, { parallelism: 1, from: await two.checkpoint() })
  expect(inners(one, 'w')).toEqual(left)
})

test('after a rescale cells of several subtasks are in the order of creation', async () => {
  const fs = new SimFs()
  const three = await StoreRun.open<number>(fs, { parallelism: 3 })
  const made = Array.from({ length: 50 }, (_, i) => `key ${i}`)
  for (const inner of made) three.set('w', inner, 0)
  const one = await StoreRun.open<number>(fs, { parallelism: 1, from: await three.checkpoint() })
  expect(inners(one, 'w')).toEqual(made)
})
