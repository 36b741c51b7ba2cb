import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PagedList } from './paged-list.ts'

const pageItems = 4096
const step = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), count: fc.integer({ min: 1, max: 2 * pageItems }) }),
  fc.record({ kind: fc.constant('pop' as const), count: fc.integer({ min: 1, max: 2 * pageItems }) }),
  fc.record({ kind: fc.constant('set' as const), count: fc.nat() }),
)

test('a paged list behaves like an array, also at page boundaries', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const list = new PagedList<number>()
      const array: number[] = []
      let differences = 0
      for (const { kind, count } of steps) {
        if (kind === 'push') {
          for (let i = 0; i < count; i++) {
            list.push(i)
            array.push(i)
          }
        } else if (kind === 'pop') {
          for (let i = 0; i < count; i++) if (list.pop() !== array.pop()) differences++
        } else if (array.length > 0) {
          list.set(count % array.length, -1)
          array[count % array.length] = -1
        }
        expect([differences, list.length]).toEqual([0, array.length])
      }
      expect([...list].filter((item, i) => item !== array[i])).toEqual([])
      expect(array.filter((item, i) => list.at(i) !== item)).toEqual([])
      expect([...list]).toHaveLength(array.length)
    }),
    { numRuns: 50 },
  )
})
