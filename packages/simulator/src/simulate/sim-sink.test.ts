import { seededRandom } from '@millrace/world'
import type { Batch, ConnectorContext, SinkWriter } from '@millrace/core/connector'
import { expect, test } from 'vitest'
import { SimWorld } from '../world/sim-world.ts'
import { SimSystem } from './sim-sink.ts'
import { SinkCalls } from './sink-calls.ts'
import { Trouble } from './trouble.ts'

/** Opens the writer of a process that owns the data directory in an epoch. */
type Open = (epoch: number, pending?: readonly number[]) => Promise<SinkWriter<unknown, number>>

/** Runs `code` in a world with one outside system; returns what can be seen in it. */
async function around(code: (open: Open, visible: () => readonly unknown[]) => Promise<void>): Promise<void> {
  const world = new SimWorld({ seed: 1 })
  const calls = new SinkCalls('out', world, new Trouble(seededRandom(1), () => {}))
  const system = new SimSystem('out')
  const open: Open = (epoch, pending = []) =>
    system
      .sink('simulated', 'exactly-once', calls, world.current)
      .open(0, pending, { owner: { epoch } } as ConnectorContext)
  await world.run(() => code(open, () => system.visible.map(({ value }) => value)))
  expect(system.violations).toEqual([])
}

function batchOf(...values: readonly unknown[]): Batch {
  return { values, length: values.length } as unknown as Batch
}

const lateError = { code: 'DIRECTORY_LOCKED', isFinal: true }

test('a commit is rejected once a later process has opened the sink', async () => {
  await around(async (open, visible) => {
    const zombie = await open(1)
    await zombie.write(batchOf('a'), () => {})
    const id = (await zombie.prepare(1))!
    const successor = await open(2)
    await expect(zombie.commit!(id)).rejects.toMatchObject(lateError)
    await zombie.write(batchOf('b'), () => {})
    await expect(zombie.prepare(2)).rejects.toMatchObject(lateError)
    await expect(open(1)).rejects.toMatchObject(lateError)
    expect(visible()).toEqual([])
    await successor.write(batchOf('c'), () => {})
    await successor.commit!((await successor.prepare(1))!)
    expect(visible()).toEqual(['c'])
  })
})

test('a later process commits what the restored manifest names, and a second commit changes nothing', async () => {
  await around(async (open, visible) => {
    const first = await open(1)
    await first.write(batchOf('a'), () => {})
    const id = (await first.prepare(1))!
    const successor = await open(2, [id])
    expect(visible()).toEqual(['a'])
    await expect(first.commit!(id)).rejects.toMatchObject(lateError)
    await successor.commit!(id)
    expect(visible()).toEqual(['a'])
  })
})
