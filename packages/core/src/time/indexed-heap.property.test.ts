import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_TIME } from '../record/time.ts'
import { IndexedHeap } from './indexed-heap.ts'

test('the heap returns the least time after any additions, increases and removals', () => {
  const step = fc.record({ number: fc.nat({ max: 30 }), by: fc.nat({ max: 50 }), removes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new IndexedHeap()
      const plain = new Map<number, number>()
      for (const { number, by, removes } of steps) {
        const time = plain.get(number)
        if (time === undefined) {
          heap.add(number, by)
          plain.set(number, by)
        } else if (removes) {
          heap.remove(number)
          plain.delete(number)
        } else {
          heap.raise(number, time + by)
          plain.set(number, time + by)
        }
        const least = Math.min(MAX_TIME, ...plain.values())
        expect([heap.least, heap.size, heap.has(number)]).toEqual([least, plain.size, plain.has(number)])
        if (plain.size > 0) expect(plain.get(heap.first!)).toBe(least)
      }
    }),
  )
})
