import { expect, test } from 'vitest'
import { CellIndex } from './cell-index.ts'
import { MemoryCell } from './memory-cell.ts'

test('an outer token without cells takes no memory', () => {
  const index = new CellIndex<number>()
  const cells = ['a', 'b'].map((inner, seq) => new MemoryCell<number>('w', inner, 0, 1, seq, 0))
  for (const cell of cells) index.add(cell)
  for (const cell of cells) index.remove(cell)
  expect(index.under('w')).toBeUndefined()
  expect(index.find('w', 'a')).toBeUndefined()
  expect([index.size, [...index.outers()]]).toEqual([0, []])
})

test('an outer token that is not equal to itself is found', () => {
  const index = new CellIndex<number>()
  index.add(new MemoryCell<number>(Number.NaN, 'a', 0, 1, 1, 0))
  index.add(new MemoryCell<number>(Number.NaN, 'b', 0, 2, 2, 0))
  expect(index.find(Number.NaN, 'b')?.value).toBe(2)
  expect(index.under(Number.NaN)?.size).toBe(2)
})
