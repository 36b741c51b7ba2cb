import { expect, test } from 'vitest'
import { DirtyList } from './dirty-list.ts'
import { MemoryCell } from './memory-cell.ts'

function cell(seq: number): MemoryCell<number> {
  return new MemoryCell<number>(null, seq, 0, seq, seq, 1)
}

function drain(list: DirtyList<number>): number[] {
  const seqs: number[] = []
  for (let first = list.first(); first !== undefined; first = list.first()) {
    seqs.push(first.seq)
    list.removeFirst()
  }
  return seqs
}

test('cells are removed in the order they were added, across many chunks', () => {
  const list = new DirtyList<number>()
  const seqs = Array.from({ length: 10_000 }, (_, seq) => seq)
  for (const seq of seqs) list.push(cell(seq))
  expect(list.length).toBe(10_000)
  expect(drain(list)).toEqual(seqs)
  expect(list.length).toBe(0)
})

test('a list is appended to a partly consumed one, and to an empty one', () => {
  const list = new DirtyList<number>()
  const later = new DirtyList<number>()
  for (let seq = 0; seq < 3; seq++) list.push(cell(seq))
  list.removeFirst()
  for (let seq = 3; seq < 5; seq++) later.push(cell(seq))
  list.append(later)
  expect(drain(list)).toEqual([1, 2, 3, 4])
  const last = new DirtyList<number>()
  last.push(cell(5))
  list.append(new DirtyList())
  list.append(last)
  expect(drain(list)).toEqual([5])
})

test('a cell after many cells without changes is found', () => {
  for (const dead of [4096, 8192, 12_288, 100_000]) {
    const list = new DirtyList<number>()
    for (let seq = 0; seq < dead; seq++) {
      const each = cell(seq)
      each.isDead = true
      list.push(each)
      list.wither()
    }
    list.push(cell(dead))
    expect(list.length).toBeLessThan(20_000)
    expect(drain(list).at(-1)).toBe(dead)
  }
})

test('cells that are created and deleted between two freezes do not accumulate', () => {
  const list = new DirtyList<number>()
  const kept: number[] = []
  let longest = 0
  for (let seq = 0; seq < 300_000; seq++) {
    const each = cell(seq)
    list.push(each)
    if (seq % 1000 === 0) {
      kept.push(seq)
      continue
    }
    each.isDead = true
    list.wither()
    longest = Math.max(longest, list.length)
  }
  expect(longest).toBeLessThan(30_000)
  const left = drain(list)
  expect(left.filter((seq) => seq % 1000 === 0)).toEqual(kept)
})
