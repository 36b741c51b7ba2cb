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
      for (const { kind, count } of steps) {
        if (kind === 'push') {
          for (let i = 0; i < count; i++) {
            list.push(i)
            array.push(i)
          }
        } else if (kind === 'pop') {
          for (let i = 0; i < count; i++) expect(list.pop()).toBe(array.pop())
        } else if (array.length > 0) {
          list.set(count % array.length, -1)
          array[count % array.length] = -1
        }
        expect(list.length).toBe(array.length)
      }
      expect([...list]).toEqual(array)
      for (let i = 0; i < array.length; i += 501) expect(list.at(i)).toBe(array[i])
    }),
    { numRuns: 50 },
  )
})
