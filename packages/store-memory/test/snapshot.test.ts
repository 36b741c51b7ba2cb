import type { StoreSnapshot } from '@millrace/core/store'
import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { StoreRun } from './store-run.ts'

/** The cells that a new store restores from the snapshot of `run`, whatever it did after its freeze. */
async function restored<T>(fs: SimFs, run: StoreRun<T>): Promise<StoreRun<T>> {
  await run.encode()
  const from = await run.store.persist()
  await run.store.close()
  return StoreRun.open<T>(fs, { from })
}

describe('a snapshot has the state at its freeze', () => {
  test('EN-187 a value changed in place afterwards is not in it', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<{ n: number }>(fs)
    run.set(null, 'a', { n: 1 })
    run.freeze()
    const table = run.tableOf('a')
    const cell = table.find(null, 'a')!
    cell.value.n = 2
    table.changed(cell)
    expect((await restored(fs, run)).get(null, 'a')).toEqual({ n: 1 })
  })

  test('EN-187 a value changed while iterating afterwards is not in it', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<{ n: number }>(fs)
    run.set('w', 'a', { n: 1 })
    run.freeze()
    for (const cell of run.tableOf('a').cells('w')) cell.value.n = 2
    expect((await restored(fs, run)).get('w', 'a')).toEqual({ n: 1 })
  })

  test('EN-187 an undeclared change of a clean cell is not in later snapshots', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<{ n: number }>(fs)
    run.set(null, 'a', { n: 1 })
    await run.checkpoint()
    run.get(null, 'a')!.n = 2
    run.freeze()
    expect((await restored(fs, run)).get(null, 'a')).toEqual({ n: 1 })
  })

  test('a cell deleted afterwards is in it, and not in the next', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    run.set('w', 'a', 1)
    run.set('w', 'b', 2)
    run.set('v', 'c', 3)
    run.freeze()
    run.delete('v', 'c')
    run.deleteOuter('w')
    const second = await restored(fs, run)
    expect(second.content()).toEqual([
      [
        [
          'w',
          [
            ['a', 1],
            ['b', 2],
          ],
        ],
        ['v', [['c', 3]]],
      ],
    ])
    second.delete('v', 'c')
    second.deleteOuter('w')
    second.freeze()
    expect((await restored(fs, second)).content()).toEqual([[]])
  })

  test('outer tokens with many cells deleted afterwards are in it, and not in the next', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    for (let outer = 0; outer < 100; outer++) for (let i = 0; i < 12; i++) run.set(outer, i, i)
    run.freeze()
    for (let outer = 0; outer < 100; outer++) run.deleteOuter(outer)
    run.set(7, 'again', 1)
    const second = await restored(fs, run)
    expect(second.store.usage().cells).toBe(1200)
    for (let outer = 0; outer < 100; outer++) second.deleteOuter(outer)
    second.set(7, 'again', 1)
    second.freeze()
    let slices = 1
    while (!second.slice()) slices++
    expect(slices).toBeGreaterThan(2)
    expect((await restored(fs, second)).content()).toEqual([[[7, [['again', 1]]]]])
  })

  test('an outer token that was emptied twice before one snapshot is empty in it', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 12; i++) run.set('w', i, i)
      run.freeze()
      run.deleteOuter('w')
    }
    run.freeze()
    expect((await restored(fs, run)).content()).toEqual([[]])
  })

  test('a cell looked up before the freeze and deleted after it is in it', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    run.set(null, 'a', 1)
    const cell = run.tableOf('a').find(null, 'a')!
    run.freeze()
    run.tableOf('a').delete(cell)
    expect((await restored(fs, run)).get(null, 'a')).toBe(1)
  })

  test('an aborted snapshot changes nothing in the next', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    for (let i = 0; i < 100; i++) run.set(null, i, i)
    run.freeze()
    run.slice()
    for (let i = 0; i < 100; i += 2) run.set(null, i, -i)
    run.delete(null, 99)
    run.freeze()
    const values = (await restored(fs, run)).content()[0]![0]![1]
    expect(values).toEqual(Array.from({ length: 99 }, (_, i) => [i, i % 2 === 0 ? -i : i]))
  })

  test('while compaction rewrites old cells, cells changed afterwards keep their record', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<string>(fs)
    for (let i = 0; i < 10; i++) run.set(null, i, 'old'.repeat(50))
    for (let i = 10; i < 20; i++) run.set(null, i, 'large'.repeat(200))
    await run.checkpoint()
    for (let i = 10; i < 20; i++) run.delete(null, i)
    const before = await run.checkpoint()
    run.freeze()
    for (let i = 0; i < 5; i++) run.set(null, i, 'afterwards')
    const again = await restored(fs, run)
    expect(again.content()).toEqual([[[null, Array.from({ length: 10 }, (_, i) => [i, 'old'.repeat(50)])]]])
    // The test is meaningful only while compaction runs: the oldest segment is being compacted.
    const oldest = (snapshot: StoreSnapshot): unknown =>
      (snapshot as { segments: { file: string }[] }).segments[0]!.file
    await again.checkpoint()
    expect(oldest(await again.checkpoint())).not.toBe(oldest(before))
  })

  test('a changed cell must have been looked up since the freeze', async () => {
    const run = await StoreRun.open<number>(new SimFs())
    run.set(null, 'a', 1)
    const table = run.tableOf('a')
    const cell = table.find(null, 'a')!
    run.freeze()
    expect(() => table.changed(cell)).toThrow(/looked up again after a barrier/)
  })
})

describe('a token that is deleted and created again is another cell', () => {
  test('whose record may be written before the tombstone of the first', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    run.set(null, 'a', 1)
    await run.checkpoint()
    run.delete(null, 'a')
    run.set(null, 'a', 2)
    run.freeze()
    run.set(null, 'a', 3) // writes the 2 before anything else
    expect((await restored(fs, run)).get(null, 'a')).toBe(2)
  })

  test('whose record may be written after it', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    run.set(null, 'a', 1)
    await run.checkpoint()
    run.delete(null, 'a')
    run.set(null, 'a', 2)
    run.freeze()
    expect((await restored(fs, run)).get(null, 'a')).toBe(2)
  })

  test('that survives the drop of earlier cells', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    for (let i = 0; i < 20; i++) run.set('w', i, 1)
    run.set('w', 'a', 1)
    await run.checkpoint()
    run.deleteOuter('w')
    run.set('w', 'a', 2)
    run.freeze()
    expect((await restored(fs, run)).content()).toEqual([[['w', [['a', 2]]]]])
  })

  test('that comes after the others, also after a restore', async () => {
    const fs = new SimFs()
    const run = await StoreRun.open<number>(fs)
    for (const inner of ['a', 'b', 'c']) run.set('w', inner, 1)
    await run.checkpoint()
    run.delete('w', 'a')
    run.set('w', 'a', 1)
    run.set('w', 'b', 2)
    run.freeze()
    const inners = (await restored(fs, run)).content()[0]![0]![1].map(([inner]) => inner)
    expect(inners).toEqual(['b', 'c', 'a'])
  })
})

test('EN-199 an empty snapshot works, and one without changes writes nothing', async () => {
  const fs = new SimFs()
  const run = await StoreRun.open<number>(fs)
  await run.checkpoint()
  expect(fs.paths()).toEqual([])
  run.set(null, 'a', 1)
  const first = await run.checkpoint()
  const before = fs.operations
  const second = await run.checkpoint()
  expect(fs.operations).toBe(before)
  expect(second).toEqual({ ...(first as object), number: 3 })
})

test('cells that were in no snapshot leave no trace in one', async () => {
  const fs = new SimFs()
  const run = await StoreRun.open<number>(fs)
  for (let i = 0; i < 1000; i++) {
    run.set('w', i, i)
    run.set('v', i, i)
    run.delete('v', i)
  }
  run.deleteOuter('w')
  await run.checkpoint()
  expect(run.store.usage()).toMatchObject({ cells: 0, liveBytes: 0, diskBytes: 0 })
})

test('a table may be changed while it is iterated', async () => {
  const run = await StoreRun.open<number>(new SimFs())
  const table = run.tables()[0]!
  for (let i = 0; i < 6; i++) run.set('w', i, i)
  const seen: unknown[] = []
  for (const cell of table.cells('w')) {
    seen.push(cell.inner)
    if (cell.inner === 1) run.delete('w', 2)
    if (cell.inner === 3) table.deleteOuter('w')
  }
  expect(seen).toEqual([0, 1, 3])
  expect([table.size, table.count('w')]).toEqual([0, 0])
})

test('EN-236 a group is requested by one subtask only', async () => {
  const run = await StoreRun.open<number>(new SimFs(), { parallelism: 2 })
  const [first] = run.tables()
  expect(() => first!.create(null, 'a', 127, 1)).toThrow(/the subtask that owns its key group/)
})
