import { ManualClock, Wakeup } from '@millrace/world'
import { expect, test } from 'vitest'
import { LocalEdge } from './local-edge.ts'
import { Gate } from './gate.ts'
import { InputLimit } from './input-limit.ts'

function open(least: number, first = least): { clock: ManualClock; edge: LocalEdge; limit: InputLimit } {
  const clock = new ManualClock()
  const edge = new LocalEdge({ batches: 4, batchRecords: 1000 })
  const gate = new Gate([edge], new Wakeup())
  return { clock, edge, limit: new InputLimit(gate, clock, { least, first }) }
}

/** The task processes this many records, one after another. */
async function work(
  { clock, limit }: ReturnType<typeof open>,
  records: number,
  msPerRecord: number,
): Promise<void> {
  for (let i = 1; i <= records; i++) {
    limit.begin()
    await clock.advance(msPerRecord)
    limit.done(1, i === records)
  }
}

test('the limit is the number of records that the task processes in a second', async () => {
  const task = open(16)
  expect(task.edge.batchRecords).toBe(8)
  await work(task, 100, 10)
  // Half of a second's records arrive at once.
  expect(task.edge.batchRecords).toBe(50)
  await work(task, 10, 2_000)
  expect(task.edge.batchRecords).toBe(8)
})

test('a fast task is not limited: it is recognized after a few records', async () => {
  const task = open(16)
  await work(task, 15, 0)
  expect(task.edge.batchRecords).toBe(8)
  await work(task, 1, 0)
  expect(task.edge.batchRecords).toBe(1000)
})

test('idle time does not make a task look slow', async () => {
  const task = open(2)
  for (let i = 0; i < 50; i++) {
    await work(task, 1, 10)
    await task.clock.advance(5_000)
  }
  expect(task.edge.batchRecords).toBe(50)
})
