import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedTimes } from './sorted-times.ts'

const time = fc.integer({ min: -40, max: 40 })
const step = fc.oneof(
  { weight: 4, arbitrary: time.map((of) => ({ call: 'add' as const, of })) },
  { weight: 2, arbitrary: time.map((of) => ({ call: 'remove' as const, of })) },
  { weight: 2, arbitrary: fc.constant({ call: 'removeFirst' as const, of: 0 }) },
)

test('sorted times equal a sorted set of the same times', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), time, (steps, from) => {
      const times = new SortedTimes()
      let plain: number[] = []
      for (const { call, of } of steps) {
        if (call === 'add') {
          times.add(of)
          plain = [...new Set([...plain, of])].sort((a, b) => a - b)
        } else if (call === 'remove') {
          times.remove(of)
          plain = plain.filter((each) => each !== of)
        } else if (plain.length > 0) {
          times.removeFirst()
          plain.shift()
        }
        expect([times.size, times.first]).toEqual([plain.length, plain[0]])
      }
      expect(plain.map((_, index) => times.at(index))).toEqual(plain)
      expect(times.at(plain.length)).toBeUndefined()
      expect(times.indexFrom(from)).toBe(plain.filter((each) => each < from).length)
    }),
  )
})
