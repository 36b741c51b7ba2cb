import { expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { select, trySelect } from '../channel/select.ts'
import { ManualClock } from '@millrace/world'
import { withCancel, withTimeout } from './cancel-context.ts'
import { background } from './endless-context.ts'
import { doneCase } from './done-case.ts'

everySchedule('GO-108 a doneCase is ready once the context has ended', async () => {
  const ctx = withCancel(background)
  const jobs = new Channel<number>(1)
  const cases = { job: jobs.receiveCase(), done: doneCase(ctx) }
  expect(trySelect(cases)).toBe(undefined)
  const chosen = select(cases)
  expect(await hasSettled(chosen)).toBe(false)
  ctx.cancel()
  expect(await chosen).toEqual({ case: 'done' })
  expect(await select(cases)).toEqual({ case: 'done' })
  jobs.trySend(7)
  expect(jobs.length).toBe(1)
})

everySchedule('GO-054 a select that another case settles leaves nothing in the context', async () => {
  const ctx = withCancel(background)
  const jobs = new Channel<number>()
  let hooks = 0
  const counting = new Proxy(ctx, {
    get(target, property) {
      if (property !== 'onEnd') return Reflect.get(target, property, target) as unknown
      return (callback: () => void): Disposable => {
        hooks += 1
        const hook = target.onEnd!(callback)
        return {
          [Symbol.dispose]() {
            hooks -= 1
            hook[Symbol.dispose]()
          },
        }
      }
    },
  })
  const chosen = select({ job: jobs.receiveCase(), done: doneCase(counting) })
  expect(hooks).toBe(1)
  await jobs.send(1)
  expect([(await chosen).case, hooks]).toEqual(['job', 0])
})

everySchedule('GO-116 a deadline makes a doneCase ready', async () => {
  const clock = new ManualClock()
  using ctx = withTimeout(background, clock, 5)
  const chosen = select({ quiet: new Channel().receiveCase(), done: doneCase(ctx) })
  await clock.advance(5)
  expect(await chosen).toEqual({ case: 'done' })
})
