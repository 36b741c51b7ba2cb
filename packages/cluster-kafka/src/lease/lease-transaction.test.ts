import type { PackedBatch } from '@millrace/connector-kafka/port'
import { SimFs } from '@millrace/testkit'
import { expect, test } from 'vitest'
import type { Contribution } from '../replica/replica.ts'
import { CollectedBatches } from './lease-transaction.ts'

function batch(partition: number, size = 4): PackedBatch {
  return { topic: 'out', partition, count: 1, bytes: new Uint8Array(size).fill(partition) }
}

async function all({ batches }: Contribution): Promise<PackedBatch[]> {
  const found: PackedBatch[] = []
  for await (const chunk of batches) found.push(...chunk)
  return found
}

test('additions beyond the limit go to files, keep their order, and leave no file once they are discarded', async () => {
  const fs = new SimFs()
  const collected = new CollectedBatches(fs, 'scratch', 10)
  const added = [1, 2, 3, 4, 5, 6, 7].map((partition) => batch(partition))
  await Promise.all(added.map((each) => collected.add([each])))
  expect(fs.paths().length).toBe(2)
  const taken = await collected.take()
  expect(await all(taken)).toEqual(added)
  await taken.discard()
  expect(fs.paths()).toEqual([])
})

test('what is added after a commit has begun belongs to the next one', async () => {
  const collected = new CollectedBatches(new SimFs(), 'scratch')
  await collected.add([batch(1)])
  const first = await collected.take()
  await collected.add([batch(2)])
  expect(await all(first)).toEqual([batch(1)])
  expect(await all(await collected.take())).toEqual([batch(2)])
})

test('what a failed run of the job has added is discarded, in memory and in files', async () => {
  const fs = new SimFs()
  const collected = new CollectedBatches(fs, 'scratch', 10)
  await collected.add([batch(1, 20), batch(2, 20)])
  await collected.add([batch(3)])
  await collected.discard()
  expect(fs.paths()).toEqual([])
  expect(await all(await collected.take())).toEqual([])
})

test('files that an earlier process has left are removed', async () => {
  const fs = new SimFs()
  await new CollectedBatches(fs, 'scratch', 1).add([batch(1)])
  await new CollectedBatches(fs, 'scratch').clear()
  expect(fs.paths()).toEqual([])
})
