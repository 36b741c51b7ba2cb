import { Wakeup } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../record/element.ts'
import { LocalEdge } from './local-edge.ts'

/** This many records with arbitrary values. */
function records(length: number): Batch {
  return {
    length,
    values: Array.from({ length }, (_, i) => i),
    times: new Float64Array(length),
    watermarks: new Float64Array(length),
    origin: undefined,
    originIndex: undefined,
  }
}

/** The sizes of the batches that a producer with work without end sends while there is credit. */
function fill(edge: LocalEdge): number[] {
  const sizes: number[] = []
  while (edge.hasCredit) {
    sizes.push(edge.batchRecords)
    edge.send(records(edge.batchRecords))
  }
  return sizes
}

describe('LocalEdge', () => {
  test('EN-230 batches use credit and marks do not, and a batch gives its credit back once it is released', () => {
    const edge = new LocalEdge({ batches: 2, batchRecords: 8 })
    edge.send(records(8))
    edge.mark({ kind: 'barrier', checkpoint: 1 })
    expect(edge.hasCredit).toBe(true)
    edge.send(records(8))
    expect(edge.hasCredit).toBe(false)
    edge.mark({ kind: 'barrier', checkpoint: 2 })
    edge.take()
    expect(edge.hasCredit).toBe(false)
    edge.release(1)
    expect(edge.hasCredit).toBe(true)
  })

  test('small batches do not fill it by their records, but no more of them wait than large ones', () => {
    const edge = new LocalEdge({ batches: 3, batchRecords: 1000 })
    for (let i = 0; i < 3; i++) edge.send(records(1))
    expect(edge.hasCredit).toBe(false)
    edge.take()
    expect(edge.hasCredit).toBe(true)
  })

  test('a limit bounds the records that wait, and the next come in batches of half of it', () => {
    const edge = new LocalEdge({ batches: 4, batchRecords: 100 })
    expect(fill(edge)).toEqual([100, 100, 100, 100])
    for (let i = 0; i < 4; i++) edge.take()
    edge.release()
    edge.limit(10)
    expect(fill(edge)).toEqual([5, 5])
    edge.take()
    edge.release(4)
    expect(edge.hasCredit).toBe(false)
    edge.release(1)
    expect(edge.hasCredit).toBe(true)
    edge.limit(1)
    expect(edge.hasCredit).toBe(false)
    edge.take()
    edge.release()
    expect(fill(edge)).toEqual([1])
    edge.limit(Number.POSITIVE_INFINITY)
    expect(fill(edge)).toEqual([100, 100, 100])
  })

  test('a waiting producer is woken when records are released, and when the limit is raised', async () => {
    const wakeup = new Wakeup()
    let woken = 0
    const edge = new LocalEdge({ batches: 2, batchRecords: 4 })
    edge.attachProducer(wakeup)
    edge.limit(2)
    const wait = async (): Promise<void> => {
      await wakeup.wait()
      woken++
    }
    await wait()
    fill(edge)
    edge.take()
    const released = wait()
    edge.release(1)
    await released
    edge.send(records(2))
    edge.take()
    const raised = wait()
    edge.limit(100)
    await raised
    expect(woken).toBe(3)
  })

  test('without credit it accepts records before a barrier, up to a bound', () => {
    const edge = new LocalEdge({ batches: 1, batchRecords: 1024 })
    edge.send(records(1024))
    expect([edge.hasCredit, edge.hasOverdraft]).toEqual([false, true])
    edge.send(records(65_536))
    expect(edge.hasOverdraft).toBe(false)
  })

  test('it reports the newest barrier that waits in it', () => {
    const edge = new LocalEdge({ batches: 1, batchRecords: 1 })
    expect(edge.barrier).toBe(0)
    edge.mark({ kind: 'barrier', checkpoint: 1 })
    edge.mark({ kind: 'barrier', checkpoint: 2 })
    edge.take()
    expect(edge.barrier).toBe(2)
    edge.take()
    expect(edge.barrier).toBe(0)
  })
})
