import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BinaryHeap } from './binary-heap.ts'

function emptied(heap: BinaryHeap<number>): number[] {
  const items: number[] = []
  while (heap.first !== undefined) items.push(heap.take()!)
  return items
}

const ascending = (a: number, b: number): number => a - b

describe('a heap', () => {
  test('returns its items in order, for any sequence of adding and removing', () => {
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

  test('removes an item at any index, and keeps the others in order', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant('remove' as const)), {
      maxLength: 100,
    })
    fc.assert(
      fc.property(steps, fc.nat(), (moves, salt) => {
        const places = new Map<{ readonly n: number }, number>()
        const heap = new BinaryHeap<{ readonly n: number }>(
          (a, b) => a.n < b.n,
          (item, place) => places.set(item, place),
        )
        let items: { readonly n: number }[] = []
        for (const [i, move] of moves.entries()) {
          if (move !== 'remove') {
            const item = { n: move }
            heap.add(item)
            items.push(item)
          } else if (items.length > 0) {
            const item = items[(salt + 7 * i) % items.length]!
            heap.remove(places.get(item)!)
            items = items.filter((each) => each !== item)
          }
          expect(heap.size).toBe(items.length)
        }
        const numbers = items.map(({ n }) => n).sort(ascending)
        expect(numbers.map(() => heap.take()!.n)).toStrictEqual(numbers)
        expect(heap.first).toBeUndefined()
      }),
    )
  })
})
