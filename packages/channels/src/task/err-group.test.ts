import { describe, expect } from 'vitest'
import { everySchedule, sized } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { withCancel } from '../context/cancel-context.ts'
import { background } from '../context/endless-context.ts'
import { ErrGroup } from './err-group.ts'

const broken = new Error('broken')
const well = (): Promise<void> => Promise.resolve()

/** A task that waits until its signal aborts. */
async function waitForStop(signal: AbortSignal): Promise<void> {
  await new Channel().receive(signal)
}

describe('errors', () => {
  everySchedule('GO-098 wait throws the first error on each call, and drops later ones', async () => {
    const group = new ErrGroup()
    await group.go(well)
    await group.go(async () => {
      await settle()
      throw new Error('second')
    })
    await group.go(() => Promise.reject(broken))
    await expect(group.wait()).rejects.toBe(broken)
    await expect(group.wait()).rejects.toBe(broken)
  })

  everySchedule('GO-099 a group without limit, context or tasks works', async () => {
    const group = new ErrGroup()
    await group.wait()
    let ended = 0
    for (const _ of upTo(100)) {
      await group.go(async () => {
        await Promise.resolve()
        ended += 1
      })
    }
    await group.wait()
    expect(ended).toBe(100)
  })

  everySchedule('GO-100 GO-101 the first error ends the context of the tasks and is its cause', async () => {
    const group = new ErrGroup(background)
    await group.go(waitForStop)
    expect(group.context.error).toBe(undefined)
    await group.go(() => Promise.reject(broken))
    await settle()
    expect([group.context.cause, group.context.error?.name]).toEqual([broken, 'AbortError'])
    await expect(group.wait()).rejects.toBe(broken)
  })

  everySchedule('GO-100 GO-101 wait ends the context also when all tasks succeed', async () => {
    const group = new ErrGroup(background)
    await group.go(well)
    await group.wait()
    expect([group.context.error?.name, group.context.cause]).toEqual(['AbortError', group.context.error])
  })

  everySchedule('GO-106 an error thrown before the first wait is reported as the same object', async () => {
    const group = new ErrGroup()
    const { stack } = broken
    await group.go(() => {
      throw broken
    })
    await expect(group.wait()).rejects.toBe(broken)
    expect(broken.stack).toBe(stack)
  })

  everySchedule('when the parent ends, the tasks stop and wait throws the reason', async () => {
    using parent = withCancel(background)
    const group = new ErrGroup(parent)
    await group.go(waitForStop)
    parent.cancel(broken)
    await expect(group.wait()).rejects.toBe(broken)
  })

  everySchedule('an abort ends one wait and not the tasks', async () => {
    const group = new ErrGroup()
    const gate = new Channel<number>()
    await group.go(async (signal) => void (await gate.receive(signal)))
    const controller = new AbortController()
    const [cancelled, other] = [group.wait(controller.signal), group.wait()]
    controller.abort(broken)
    await expect(cancelled).rejects.toBe(broken)
    await gate.send(1)
    await other
  })
})

describe('limits', () => {
  everySchedule(
    'GO-102 of 1,024 tasks never more than the limit of 10 run; the others wait and start in order',
    async () => {
      const group = new ErrGroup()
      group.setLimit(10)
      const started: number[] = []
      let [running, most] = [0, 0]
      for (const i of upTo(sized(1_024, 32))) {
        const going = group.go(async () => {
          started.push(i)
          running += 1
          most = Math.max(most, running)
          await settle()
          running -= 1
        })
        // Half the calls wait for their place, half leave it to the group to remember them.
        if (i % 2 === 0) await going
      }
      await group.wait()
      expect([most, running]).toEqual([10, 0])
      expect(started).toEqual(upTo(sized(1_024, 32)))
    },
  )

  everySchedule('GO-103 tryGo refuses at the limit and accepts again when a task has ended', async () => {
    const group = new ErrGroup()
    group.setLimit(2)
    const gate = new Channel<number>()
    const task = async (): Promise<void> => void (await gate.receive())
    expect([group.tryGo(task), group.tryGo(task), group.tryGo(task)]).toEqual([true, true, false])
    await gate.send(1)
    await settle()
    expect([group.tryGo(task), group.tryGo(task)]).toEqual([true, false])
    await gate.send(1)
    await gate.send(1)
    await group.wait()
    expect(group.tryGo(well)).toBe(true)
  })

  everySchedule('GO-104 a limit of 0 rejects every task, a negative limit rejects none', async () => {
    const group = new ErrGroup()
    group.setLimit(0)
    expect(group.tryGo(() => expect.unreachable())).toBe(false)
    await expect(group.go(() => expect.unreachable())).rejects.toThrow('the limit is 0')
    await group.wait()
    for (const none of [-1, Infinity]) {
      group.setLimit(none)
      for (const _ of upTo(sized(100, 5))) expect(group.tryGo(well)).toBe(true)
      await group.wait()
    }
  })

  everySchedule('GO-105 the limit can be changed only while no task runs', async () => {
    const group = new ErrGroup()
    const gate = new Channel<number>()
    group.setLimit(1)
    await group.go(async () => void (await gate.receive()))
    expect(() => group.setLimit(2)).toThrow('1 tasks are running')
    await gate.send(1)
    await group.wait()
    group.setLimit(2)
    expect([group.tryGo(well), group.tryGo(well), group.tryGo(well)]).toEqual([true, true, false])
    await group.wait()
    for (const limit of [0.5, NaN]) expect(() => group.setLimit(limit)).toThrow(RangeError)
  })

  everySchedule(
    'a task whose wait for the limit is aborted never starts, and the group does not wait for it',
    async () => {
      const group = new ErrGroup()
      group.setLimit(1)
      const gate = new Channel<number>()
      const controller = new AbortController()
      await group.go(async () => void (await gate.receive()))
      const cancelled = group.go(() => expect.unreachable(), controller.signal)
      expect(await hasSettled(cancelled)).toBe(false)
      controller.abort(broken)
      await expect(cancelled).rejects.toBe(broken)
      await expect(group.go(well, controller.signal)).rejects.toBe(broken)
      await gate.send(1)
      await group.wait()
    },
  )
})
