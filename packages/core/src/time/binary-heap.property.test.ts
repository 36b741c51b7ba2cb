import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BinaryHeap } from './binary-heap.ts'

function emptied(heap: BinaryHeap<number>): number[] {
  const items: number[] = []
  while (heap.first !== undefined) items.push(heap.take()!)
  return items
}

const numbers = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 })
const ascending = (a: number, b: number): number => a - b

describe('a heap', () => {
  test('gives its items in order, however adding and taking alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer()), { maxLength: 100 }), (steps) => {
        const heap = new BinaryHeap<number>((a, b) => a < b)
        let plain: number[] = []
        for (const step of steps) {
          if (step === null) expect(heap.take()).toBe(plain.shift())
          else {
            heap.add(step)
            plain = [...plain, step].sort(ascending)
          }
          expect([heap.first, heap.size]).toStrictEqual([plain[0], plain.length])
        }
        expect(emptied(heap)).toStrictEqual(plain)
      }),
    )
  })

  test('keeps what it is told to keep, in order', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 4 }), (items, divisor) => {
        const heap = new BinaryHeap<number>((a, b) => a < b)
        for (const item of items) heap.add(item)
        heap.keep((item) => item % divisor === 0)
        expect(emptied(heap)).toStrictEqual(items.filter((item) => item % divisor === 0).sort(ascending))
      }),
    )
  })

  test('is empty after clear', () => {
    const heap = new BinaryHeap<number>((a, b) => a < b)
    heap.add(1)
    heap.clear()
    expect([heap.size, heap.first, heap.take()]).toStrictEqual([0, undefined, undefined])
  })
})
