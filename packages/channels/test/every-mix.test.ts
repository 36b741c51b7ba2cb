import { simulateTasks } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { Channel, Scope } from '../src/index.ts'
import { ChannelMix } from './channel-mix.ts'
import { everySchedule, schedules } from './every-schedule.ts'
import { upTo } from './probe.ts'

test('no mix of sends, receives, selects, timeouts, cancels and closes loses, doubles or reorders a value', async () => {
  const mixes = 5 * schedules
  const { seeds } = await simulateTasks(
    async (world) => {
      expect(await new ChannelMix(world).run()).toEqual([])
    },
    { seeds: mixes },
  )
  expect(seeds).toBe(mixes)
})

everySchedule.each([0, 1, 3])(
  'GO-022 values arrive in the order of the sends, whoever sends, capacity %d',
  async (capacity) => {
    const channel = new Channel<number>(capacity)
    const received: number[] = []
    let ticket = 0
    await using scope = new Scope()
    for (const _ of upTo(4)) {
      scope.go(async () => {
        for (const __ of upTo(5)) await channel.send(ticket++)
      })
    }
    while (received.length < 20) received.push((await channel.receive()).value!)
    expect(received).toEqual(upTo(20))
  },
)

everySchedule('GO-021 values go to those who wait in the order in which they came', async () => {
  const channel = new Channel<number>()
  const tickets: number[] = []
  let ticket = 0
  await using scope = new Scope()
  for (const _ of upTo(4)) {
    scope.go(async () => {
      for (const __ of upTo(5)) {
        const mine = ticket++
        tickets[(await channel.receive()).value!] = mine
      }
    })
  }
  for (const n of upTo(20)) await channel.send(n)
  await scope.wait()
  expect(tickets).toEqual(upTo(20))
})
