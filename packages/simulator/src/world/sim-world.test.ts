import { Channel, WaitGroup } from '@millrace/channels'
import { sleep } from '@millrace/world'
import { expect, test } from 'vitest'
import { SimProcess } from './sim-process.ts'
import { SimWorld } from './sim-world.ts'
import { SimDeadlock } from './standstill.ts'

/** Two tasks send to one channel; the order of arrival is up to the world. */
async function twoSenders(): Promise<string> {
  const channel = new Channel<string>()
  const send = async (name: string): Promise<void> => {
    for (let n = 0; n < 5; n++) await channel.send(`${name}${n}`)
  }
  void send('a')
  void send('b')
  const received: string[] = []
  while (received.length < 10) received.push((await channel.receive()).value!)
  return received.join(' ')
}

test('the same seed gives the same run, and other seeds other orders', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const [first, second] = [new SimWorld({ seed }), new SimWorld({ seed })]
    const order = await first.run(twoSenders)
    expect(await second.run(twoSenders)).toBe(order)
    expect(second.trace.digest).toBe(first.trace.digest)
    seen.add(order)
  }
  expect(seen.size).toBeGreaterThan(5)
})

test('most seeds find an update that is lost between a read and a write', async () => {
  const shared = { count: 0 }
  let found = 0
  for (let seed = 0; seed < 100; seed++) {
    const world = new SimWorld({ seed })
    shared.count = 0
    await world.run(async () => {
      const group = new WaitGroup()
      const { scheduler } = world.current
      for (let n = 0; n < 2; n++) {
        void group.go(async () => {
          const { count } = shared
          await scheduler.turn()
          shared.count = count + 1
        })
      }
      await group.wait()
    })
    if (shared.count !== 2) found++
  }
  expect(found).toBeGreaterThan(50)
})

test('GO-166 GO-167 time starts at a fixed instant and passes only while every task waits', async () => {
  const world = new SimWorld({ seed: 1 })
  const { clock, scheduler } = world.current
  await world.run(async () => {
    expect(clock.now()).toBe(1_767_225_600_000)
    const slept = sleep(clock, 1_000)
    for (let turn = 0; turn < 100; turn++) await scheduler.turn()
    expect(clock.monotonic()).toBe(0)
    await slept
    expect(clock.monotonic()).toBe(1_000)
  })
})

test('GO-169 when no task can be woken, the run fails and lists the waits', async () => {
  const world = new SimWorld({ seed: 1 })
  const run = world.run(async () => {
    await sleep(world.current.clock, 5)
    await new Channel().receive()
  })
  await expect(run).rejects.toThrow('all tasks are asleep')
  await expect(run).rejects.toThrow('main: receive, since 5 ms')
  await expect(run).rejects.toBeInstanceOf(SimDeadlock)
})

test('a killed process runs no further line, and a paused one resumes where it was', async () => {
  const lines: string[] = []
  const world: SimWorld = new SimWorld({ seed: 3 })
  await world.run(async () => {
    const [doomed, sleepy] = [new SimProcess(world, 'doomed'), new SimProcess(world, 'sleepy')]
    const main = world.current
    const live = (process: SimProcess): Promise<void> =>
      world.start(process, async () => {
        for (let n = 0; n < 4; n++) {
          await sleep(process.clock, 10)
          lines.push(`${process.name} ${process.clock.monotonic()}`)
        }
      })
    void live(doomed)
    const ended = live(sleepy)
    await sleep(main.clock, 25)
    doomed.kill()
    sleepy.pause()
    await sleep(main.clock, 100)
    sleepy.resume()
    await ended
  })
  expect(lines.toSorted()).toEqual(
    ['doomed 10', 'doomed 20', 'sleepy 10', 'sleepy 20', 'sleepy 125', 'sleepy 135'].toSorted(),
  )
})

test('an endless loop fails the run after a number of steps', async () => {
  const world: SimWorld = new SimWorld({ seed: 1, stepsMax: 50 })
  const run = world.run(async () => {
    for (;;) await world.current.scheduler.turn()
  })
  await expect(run).rejects.toThrow('has not ended after 50 steps')
  expect(world.steps).toBe(50)
})
