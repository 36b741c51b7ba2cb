import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryCell } from './memory-cell.ts'
import { inSeqOrder } from './seq-order.ts'
import { SeqSet } from './seq-set.ts'

const seq = fc.oneof(
  fc.integer({ min: 1, max: 3000 }),
  fc.integer({ min: 2 ** 31 - 5, max: 2 ** 33 }),
  fc.maxSafeNat(),
)

test('cells come in the order of their seq, however far apart', () => {
  fc.assert(
    fc.property(fc.uniqueArray(seq), (seqs) => {
      const cells = seqs.map((each) => new MemoryCell(null, each, 0, each, each, 0))
      const expected = [...seqs].sort((a, b) => a - b)
      const sorting = inSeqOrder(cells)
      let step = sorting.next()
      while (step.done !== true) step = sorting.next()
      expect(step.value.map((cell) => cell.seq)).toEqual(expected)
      expect(cells.map((cell) => cell.seq)).toEqual(seqs)
    }),
  )
})

test('a set of places agrees with a plain set', () => {
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
