import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { simPlatform } from './sim-platform.ts'

describe('a simulated world', () => {
  test('time advances only when the test advances it', async () => {
    const { clock } = simPlatform({ seed: 1, startMs: 1_000 })
    const slept = sleep(clock, 500).then(() => clock.now())
    expect(clock.now()).toBe(1_000)
    await clock.advance(600)
    expect(await slept).toBe(1_500)
    expect(clock.now()).toBe(1_600)
  })

  test('files have simulated modification times', async () => {
    const { clock, fs } = simPlatform({ seed: 1 })
    const file = await fs.open('a', 'create')
    await clock.advance(5)
    await file.write(new Uint8Array(1))
    expect((await fs.stat('a'))?.modifiedMs).toBe(clock.now())
  })

  test('only the seed decides the order of tasks', async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const { scheduler } = simPlatform({ seed })
      const order: string[] = []
      const task = async (name: string): Promise<void> => {
        for (let step = 0; step < 10; step++) {
          await scheduler.turn()
          order.push(name)
        }
      }
      await Promise.all(['a', 'b', 'c'].map(task))
      return order.join('')
    }
    expect(await orderOf(1)).toBe(await orderOf(1))
    const orders = await Promise.all([1, 2, 3, 4, 5].map(orderOf))
    expect(new Set(orders).size).toBe(5)
  })

  test('a loop that only yields does not stop time', async () => {
    const { clock, scheduler } = simPlatform({ seed: 1 })
    let isDone = false
    const loop = (async () => {
      while (!isDone) await scheduler.turn()
    })()
    clock.schedule(10, () => {
      isDone = true
    })
    await clock.advance(10)
    await loop
  })
})

describe('simulated processes', () => {
  test('run side by side on one disk until it crashes', async () => {
    const first = simPlatform({ seed: 1 })
    const second = simPlatform({ seed: 2, fs: first.fs })
    const { self } = first.process
    expect(second.process.self.pid).not.toBe(self.pid)
    expect(await second.process.fateOf(self)).toBe('running')

    const next = simPlatform({ seed: 3, fs: first.fs.afterKill() })
    expect(next.process.self.pid).toBe(self.pid)
    expect(next.process.self.startedAt).not.toBe(self.startedAt)
    expect(await next.process.fateOf(self)).toBe('gone')
    expect(await next.process.fateOf(next.process.self)).toBe('running')
  })
})
