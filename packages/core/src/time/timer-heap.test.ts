import { describe, expect, test } from 'vitest'
import { TransientTable } from '../state/transient-table.ts'
import { TimerHeap, type HeapTimer } from './timer-heap.ts'

function newHeap(): { readonly heap: TimerHeap; readonly table: TransientTable<HeapTimer | undefined> } {
  const table = new TransientTable<HeapTimer | undefined>()
  return { heap: new TimerHeap('event', table), table }
}

const groupOf = (): number => 0

describe('memory', () => {
  test('EN-106 timers set and deleted repeatedly leave nothing behind', () => {
    const { heap, table } = newHeap()
    heap.set(1000, '', 'stays', groupOf, 0)
    for (let i = 0; i < 10_000; i++) {
      heap.set(2000 + i, '', 'k', groupOf, 0)
      heap.delete(2000 + i, '', 'k')
      expect(heap.size).toBe(1)
    }
    expect([table.size, heap.take().token]).toStrictEqual([1, 'stays'])
  })

  test('EN-106 the same timer set and deleted repeatedly leaves nothing behind', () => {
    const { heap, table } = newHeap()
    heap.set(1000, '', 'stays', groupOf, 0)
    for (let i = 0; i < 10_000; i++) {
      heap.set(2000, '', 'k', groupOf, 0)
      heap.delete(2000, '', 'k')
      expect(heap.size).toBe(1)
    }
    heap.set(2000, '', 'k', groupOf, 0)
    expect([table.size, heap.take().token, heap.take().token, heap.first]).toStrictEqual([
      2,
      'stays',
      'k',
      undefined,
    ])
  })

  test('EN-106 a timer that each record of many keys moves takes memory per key, not per record', () => {
    const { heap, table } = newHeap()
    for (let round = 0; round < 50; round++) {
      for (let key = 0; key < 200; key++) {
        heap.delete(round, '', key)
        heap.set(round + 1, '', key, groupOf, 0)
      }
      expect(heap.size).toBe(200)
    }
    expect([table.size, heap.first?.time]).toStrictEqual([200, 50])
  })
})
