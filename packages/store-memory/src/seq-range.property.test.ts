import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryCell } from './memory-cell.ts'
import { SeqRange } from './seq-range.ts'
import { SeqSet } from './seq-set.ts'

const seq = fc.oneof(
  fc.integer({ min: 1, max: 3000 }),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 33 }),
  fc.maxSafeNat(),
)

function sorted(seqs: readonly number[]): readonly number[] {
  const range = new SeqRange<number>()
  for (const each of seqs) range.add(new MemoryCell(null, each, 0, each, each, 0))
  return [...range.inOrder()].filter((cell) => cell !== undefined).map((cell) => cell.seq)
}

test('cells are yielded in the order of their seq, for any gaps', () => {
  fc.assert(
    fc.property(fc.uniqueArray(seq), (seqs) => {
      expect(sorted(seqs)).toEqual([...seqs].sort((a, b) => a - b))
    }),
  )
})

test('many cells are yielded in the order of their seq, with and without gaps', () => {
  const row = Array.from({ length: 20_000 }, (_, i) => ((i * 7_919) % 20_000) + 1)
  for (const seqs of [row, row.map((each) => each ** 3), [...row, Number.MAX_SAFE_INTEGER]]) {
    expect(sorted(seqs)).toEqual([...seqs].sort((a, b) => a - b))
  }
})

test('a set of sequence numbers behaves like a plain set', () => {
  fc.assert(
    fc.property(fc.array(seq), (seqs) => {
      const set = new SeqSet()
      const plain = new Set<number>()
      for (const each of seqs) {
        expect(set.add(each)).toBe(!plain.has(each))
        plain.add(each)
      }
    }),
  )
})
