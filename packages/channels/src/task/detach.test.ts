import { expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { settle } from '../../test/probe.ts'
import { unhandledIn } from '../../test/unhandled.ts'
import { detach } from './detach.ts'
import { Scope } from './scope.ts'

everySchedule('a detached task outlives the block that started it', async () => {
  const steps: string[] = []
  {
    await using scope = new Scope()
    scope.go(async () => {
      detach(async () => {
        await settle()
        steps.push('ended')
      })
    })
    await scope.wait()
  }
  steps.push('left')
  await settle()
  expect(steps).toEqual(['left', 'ended'])
})

everySchedule('GO-074 a detached task that fails, at once or later, is an unhandled rejection', async () => {
  const [now, later] = [new Error('now'), new Error('later')]
  const unhandled = await unhandledIn(() => {
    detach(() => {
      throw now
    })
    detach(async () => {
      await Promise.resolve()
      throw later
    })
  })
  expect(unhandled).toEqual([now, later])
})
