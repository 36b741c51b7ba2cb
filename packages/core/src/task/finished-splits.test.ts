import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimFs } from '@millrace/testkit'
import { finishedSplits, finishedTable, unhurried } from '../../test/split-life.ts'
import type { FinishedSplit, FinishedSplits } from './finished-splits.ts'

const step = fc.record({
  split: fc.oneof(fc.nat({ max: 40 }).map(String), fc.string({ maxLength: 3 })),
  call: fc.constantFrom('add', 'add', 'add', 'remove', 'restart'),
})

test('a split that has ended is known until it is removed, also after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const fs = new SimFs()
      const plain = new Set<string>()
      let { store, table } = await finishedTable(fs)
      let finished = await finishedSplits(table)
      for (const { split, call } of steps) {
        if (call === 'add' && !plain.has(split)) {
          finished.add(ended(split, 0))
          plain.add(split)
        } else if (call === 'remove') {
          finished.remove([split, 'unknown'])
          plain.delete(split)
        } else if (call === 'restart') {
          store.freeze('scripted', 0)
          store.encode('scripted', 0, unhurried)
          const snapshot = await store.persist()
          await store.close()
          ;({ store, table } = await finishedTable(fs, snapshot))
          finished = await finishedSplits(table)
        }
        expect([finished.has(split), finished.size]).toEqual([plain.has(split), plain.size])
      }
      expect(namesOf(finished).toSorted()).toEqual([...plain].toSorted())
    }),
  )
})

test('a name is distinguished from others with the same hash or prefix', async () => {
  const finished = await finishedSplits()
  for (let split = 0; split < 20_000; split++) finished.add(ended(`split-${split}`, 0))
  expect([finished.size, finished.has('split-19999')]).toEqual([20_000, true])
  for (const other of ['split-', 'split-20000', 'split-0 ', '']) expect(finished.has(other)).toBe(false)
})

test('the newest time of all splits is kept, or none if no split had a time', async () => {
  const { table } = await finishedTable()
  const finished = await finishedSplits(table)
  expect(finished.newest).toBe(Number.NEGATIVE_INFINITY)
  finished.add(ended('a', Number.NEGATIVE_INFINITY))
  finished.add(ended('b', 7))
  finished.add(ended('c', -5))
  expect(finished.newest).toBe(7)
  expect((await finishedSplits(table)).newest).toBe(7)
})

test('a checkpoint writes the splits that have ended since the last one, however many had ended before', async () => {
  const fs = new SimFs()
  const { store, table } = await finishedTable(fs)
  const finished = await finishedSplits(table)
  const written: number[] = []
  for (let checkpoint = 0; checkpoint < 40; checkpoint++) {
    for (let split = 0; split < 250; split++) finished.add(ended(`${checkpoint}/${split}`, 0))
    const before = store.usage().diskBytes
    store.freeze('scripted', 0)
    store.encode('scripted', 0, unhurried)
    await store.persist()
    written.push(store.usage().diskBytes - before)
  }
  // A page is written again until it is full, so each checkpoint writes a few pages more than is new.
  expect(Math.max(...written.slice(1))).toBeLessThan(2 * 16 * 4_096)
})

test('removed splits leave no pages behind', async () => {
  const { table } = await finishedTable()
  const finished = await finishedSplits(table)
  const names = Array.from({ length: 5_000 }, (_, split) => `a name of some length ${split}`)
  for (const split of names) finished.add(ended(split, 0))
  const full = table.size
  for (let at = 0; at < 4_900; at++) finished.remove([names[at]!])
  expect([finished.size, full > 20 && table.size <= 16]).toEqual([100, true])
  expect(namesOf(finished).toSorted()).toEqual(names.slice(4_900).toSorted())
})

test('a split that has ended for this run only keeps its position, and its time does not count', async () => {
  const { table } = await finishedTable()
  const finished = await finishedSplits(table)
  const position = { path: 'größe \u{1f41f}', offset: 12, head: null }
  const generator = { name: 'every nth', state: { seen: 3, note: 'a\nb' } }
  finished.add({ split: 'a', newest: 9, position })
  finished.add(ended('b', 7))
  finished.add({ split: 'c', newest: 5, position, generator })
  const again = await finishedSplits(table)
  expect([...again.all()].toSorted((a, b) => (a.split < b.split ? -1 : 1))).toEqual([
    { split: 'a', newest: 9, position },
    { split: 'b', newest: 7, position: undefined },
    { split: 'c', newest: 5, position, generator },
  ])
  expect(again.newest).toBe(7)
})

function ended(split: string, newest: number): FinishedSplit {
  return { split, newest, position: undefined }
}

function namesOf(finished: FinishedSplits): readonly string[] {
  return Array.from(finished.all(), ({ split }) => split)
}
