import { expect } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, together, upTo } from '../../test/probe.ts'
import { seededRandom } from '@millrace/world'
import { RwMutex } from './rw-mutex.ts'

everySchedule('readers hold the lock together, a writer alone', async () => {
  const table = new RwMutex()
  const readers = [await table.readLock(), await table.readLock()]
  expect(table.tryWriteLock()).toBe(undefined)
  const writing = table.writeLock()
  for (const reader of readers) {
    expect(await hasSettled(writing)).toBe(false)
    reader.release()
  }
  const writer = await writing
  expect([table.tryReadLock(), table.tryWriteLock()]).toEqual([undefined, undefined])
  const reading = [table.readLock(), table.readLock()]
  expect(await hasSettled(reading[0]!)).toBe(false)
  writer.release()
  await Promise.all(reading)
})

everySchedule(
  'a steady flow of readers does not starve a writer, and writers do not starve readers',
  async () => {
    const table = new RwMutex()
    const order: string[] = []
    const first = await table.readLock()
    const visit = async (name: string, entering: Promise<Disposable>): Promise<void> => {
      using _ = await entering
      order.push(name)
      await Promise.resolve()
    }
    const visits = [
      visit('w1', table.writeLock()),
      visit('r1', table.readLock()),
      visit('r2', table.readLock()),
      visit('w2', table.writeLock()),
      visit('r3', table.readLock()),
    ]
    expect(table.tryReadLock()).toBe(undefined)
    first.release()
    await Promise.all(visits)
    // The two readers are let in together, so either may continue first.
    expect([order[0], order.slice(1, 3).toSorted(), order.slice(3)]).toEqual([
      'w1',
      ['r1', 'r2'],
      ['w2', 'r3'],
    ])
  },
)

everySchedule('readers behind an aborted writer get the lock', async () => {
  const table = new RwMutex()
  const controller = new AbortController()
  using _ = await table.readLock()
  const [writing, reading] = [table.writeLock(controller.signal), table.readLock()]
  expect(await hasSettled(reading)).toBe(false)
  controller.abort(new Error('enough'))
  await expect(writing).rejects.toThrow('enough')
  expect((await reading).isHeld).toBe(true)
})

everySchedule('GO-089 in any mix, a writer never overlaps a reader or another writer', async () => {
  for (const seed of upTo(sized(20, 1))) {
    const random = seededRandom(seed)
    const table = new RwMutex()
    let [readers, writers] = [0, 0]
    await together(
      ...upTo(10).map(() => async (): Promise<void> => {
        for (const _ of upTo(10)) {
          const isWriter = random.int(4) === 0
          using __ = await (isWriter ? table.writeLock() : table.readLock())
          if (isWriter) writers += 1
          else readers += 1
          expect(writers === 0 || (writers === 1 && readers === 0)).toBe(true)
          for (const ___ of upTo(random.int(3))) await Promise.resolve()
          if (isWriter) writers -= 1
          else readers -= 1
        }
      }),
    )
    expect([readers, writers]).toEqual([0, 0])
  }
})
