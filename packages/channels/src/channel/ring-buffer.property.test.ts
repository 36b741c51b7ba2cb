import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectGarbage } from '../../test/heap.ts'
import { RingBuffer } from './ring-buffer.ts'

test('a ring buffer is a queue: every pushed value is shifted once, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (pushes) => {
      const [buffer, model] = [new RingBuffer<number>(), [] as number[]]
      for (const [i, isPush] of pushes.entries()) {
        if (isPush) {
          buffer.push(i)
          model.push(i)
        } else if (model.length > 0) {
          expect(buffer.shift()).toBe(model.shift())
        }
        expect(buffer.length).toBe(model.length)
      }
    }),
  )
})

test('batch operations equal single ones', () => {
  const step = fc.record({ isPush: fc.boolean(), from: fc.nat({ max: 3 }), count: fc.nat({ max: 40 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [buffer, model] = [new RingBuffer<number>(), [] as number[]]
      let next = 0
      for (const { isPush, from, count } of steps) {
        if (isPush) {
          const values = Array.from({ length: from + count + 1 }, () => next++)
          buffer.pushMany(values, from, from + count)
          model.push(...values.slice(from, from + count))
        } else {
          expect(buffer.shiftMany(count)).toEqual(model.splice(0, count))
        }
        expect(buffer.length).toBe(model.length)
      }
    }),
  )
})

test('a ring buffer that wrapped around keeps its order when it grows', () => {
  const buffer = new RingBuffer<number>()
  for (let n = 0; n < 8; n++) buffer.push(n)
  for (let n = 0; n < 5; n++) expect(buffer.shift()).toBe(n)
  for (let n = 8; n < 30; n++) buffer.push(n)
  for (let n = 5; n < 30; n++) expect(buffer.shift()).toBe(n)
  expect(buffer.length).toBe(0)
})

test('a shifted value is not kept alive', async () => {
  const buffer = new RingBuffer<object>()
  const taken = (() => {
    buffer.push({})
    return new WeakRef(buffer.shift())
  })()
  await collectGarbage()
  expect([taken.deref(), buffer.length]).toEqual([undefined, 0])
})
