import { Wakeup } from '@millrace/world'
import { expect, test } from 'vitest'
import type { Batch } from '../record/element.ts'
import { Cursor } from '../operator/cursor.ts'
import { LocalEdge } from './local-edge.ts'
import { Port } from './port.ts'

/** A port with very large batches, and what it sends. */
class Outgoing {
  readonly #edge = new LocalEdge({ batches: 1_000_000, batchRecords: 65_536 })
  readonly #port = new Port([this.#edge], { kind: 'forward' }, new Cursor(), new Wakeup())

  send(records: number): Batch {
    for (let i = 0; i < records; i++) this.#port.receive(i, i)
    this.#port.flush(false)
    const element = this.#edge.take()
    if (element?.kind !== 'batch') throw new Error('no batch was sent')
    return element.batch
  }
}

function roomOf({ times, watermarks, originIndex }: Batch): number {
  return Math.max(times.length, watermarks.length, originIndex!.length)
}

test('a batch allocates for its records, not for the largest batch', () => {
  const outgoing = new Outgoing()
  expect(roomOf(outgoing.send(1))).toBeLessThanOrEqual(8)
  const large = outgoing.send(60_000)
  expect([large.length, roomOf(large)]).toEqual([60_000, 65_536])
  expect(roomOf(outgoing.send(1))).toBeLessThanOrEqual(1_024)
  expect(roomOf(outgoing.send(1))).toBeLessThanOrEqual(8)
})

test('a batch after one of the same size allocates at once', () => {
  const outgoing = new Outgoing()
  outgoing.send(700)
  expect(roomOf(outgoing.send(700))).toBe(700)
})

test('a sent batch keeps its records while the next one is filled', () => {
  const outgoing = new Outgoing()
  const first = outgoing.send(3)
  outgoing.send(5)
  expect([first.values, [...first.times.subarray(0, first.length)]]).toEqual([
    [0, 1, 2],
    [0, 1, 2],
  ])
})
