import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectGarbage } from '../../test/heap.ts'
import { RingBuffer } from './ring-buffer.ts'

test('a ring buffer is a queue: whatever is pushed comes out once, in order', () => {
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

test('a ring buffer that wrapped around keeps its order when it grows', () => {
  const buffer = new RingBuffer<number>()
  for (let n = 0; n < 8; n++) buffer.push(n)
  for (let n = 0; n < 5; n++) expect(buffer.shift()).toBe(n)
  for (let n = 8; n < 30; n++) buffer.push(n)
  for (let n = 5; n < 30; n++) expect(buffer.shift()).toBe(n)
  expect(buffer.length).toBe(0)
})

test('a value that was taken is not kept alive', async () => {
  const buffer = new RingBuffer<object>()
  const taken = (() => {
    buffer.push({})
    return new WeakRef(buffer.shift())
  })()
  await collectGarbage()
  expect([taken.deref(), buffer.length]).toEqual([undefined, 0])
})
