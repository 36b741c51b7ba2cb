import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, leavesNoListener, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { withTimeout } from '../context/cancel-context.ts'
import { ContextKey } from '../context/context.ts'
import { background } from '../context/endless-context.ts'
import { withValue } from '../context/value-context.ts'
import { ManualClock } from '@millrace/world'
import { Scope } from './scope.ts'

const broken = new Error('broken')

/** A task that waits until its signal aborts. */
async function waitForStop(signal: AbortSignal): Promise<void> {
  await new Channel().receive(signal)
}

describe('ending', () => {
  everySchedule('wait settles when every task has ended, also those started meanwhile', async () => {
    await using scope = new Scope()
    const gate = new Channel<number>()
    const ended: number[] = []
    const task = (left: number) => async (): Promise<void> => {
      await gate.receive()
      if (left > 0) scope.go(task(left - 1))
      ended.push(left)
    }
    scope.go(task(2))
    const waited = scope.wait()
    for (const _ of upTo(3)) {
      expect(await hasSettled(waited)).toBe(false)
      await gate.send(0)
    }
    await waited
    expect(ended).toEqual([2, 1, 0])
  })

  everySchedule.each([0, 1, 2])(
    'wait also waits for a task that starts %d microtasks after the last one',
    async (n) => {
      await using scope = new Scope()
      let hasEnded = false
      const startLater = async (): Promise<void> => {
        for (const _ of upTo(n)) await Promise.resolve()
        scope.go(async () => {
          await settle()
          hasEnded = true
        })
      }
      let started: Promise<void> | undefined
      scope.go(async () => {
        await Promise.resolve()
        started = startLater()
      })
      await scope.wait()
      expect(hasEnded).toBe(true)
      await started
    },
  )

  everySchedule('a scope without tasks ends at once, and may be waited for again', async () => {
    await using scope = new Scope()
    await scope.wait()
    await scope.wait()
    expect(scope.errors).toEqual([])
  })

  everySchedule('a task runs until its first wait before go returns', async () => {
    await using scope = new Scope()
    const steps: string[] = []
    scope.go(async () => {
      steps.push('started')
      await Promise.resolve()
      steps.push('ended')
    })
    steps.push('go returned')
    await scope.wait()
    expect(steps).toEqual(['started', 'go returned', 'ended'])
  })

  everySchedule('leaving the block cancels the tasks and waits for the slowest', async () => {
    const steps: string[] = []
    {
      await using scope = new Scope()
      scope.go(async (signal) => {
        await waitForStop(signal).catch(() => steps.push('stopping'))
        await settle()
        steps.push('ended')
      })
      steps.push('leaving')
    }
    steps.push('left')
    expect(steps).toEqual(['leaving', 'stopping', 'ended', 'left'])
  })

  everySchedule('a block that throws ends its tasks first, and then rethrows its error', async () => {
    let ended = false
    await expect(
      (async () => {
        await using scope = new Scope()
        scope.go((signal) => waitForStop(signal).finally(() => (ended = true)))
        throw broken
      })(),
    ).rejects.toBe(broken)
    expect(ended).toBe(true)
  })

  everySchedule('a scope whose block was left starts no task', async () => {
    const scope = new Scope()
    await scope[Symbol.asyncDispose]()
    expect(() => scope.go(() => expect.unreachable())).toThrow('the block of this scope has been left')
  })

  everySchedule(
    'a task that starts another while the block is being left is cancelled and does not count as failed',
    async () => {
      const scope = new Scope()
      scope.go(async (signal) => {
        await waitForStop(signal).catch(settle)
        scope.go(() => expect.unreachable())
      })
      await scope[Symbol.asyncDispose]()
      expect(scope.errors).toEqual([])
    },
  )
})

describe('failing', () => {
  everySchedule(
    'GO-098 wait throws the first error on each call, and the scope keeps all errors',
    async () => {
      const scope = new Scope()
      const second = new Error('second')
      scope.go(async (signal) => {
        await waitForStop(signal).catch(() => {
          throw second
        })
      })
      scope.go(() => Promise.reject(broken))
      await expect(scope.wait()).rejects.toBe(broken)
      await expect(scope.wait()).rejects.toBe(broken)
      expect(scope.errors).toEqual([broken, second])
    },
  )

  everySchedule(
    'GO-100 GO-101 the first error cancels the other tasks and is the reason of their signals',
    async () => {
      await using scope = new Scope()
      const reasons: unknown[] = []
      for (const _ of upTo(3)) {
        scope.go((signal) => waitForStop(signal).catch((reason: unknown) => void reasons.push(reason)))
      }
      scope.go(async () => {
        await Promise.resolve()
        throw broken
      })
      await expect(scope.wait()).rejects.toBe(broken)
      expect(reasons).toEqual([broken, broken, broken])
      expect(scope.signal.reason).toBe(broken)
    },
  )

  everySchedule('a task that was cancelled by the failure of another does not count as failed', async () => {
    await using scope = new Scope()
    scope.go(waitForStop)
    scope.go(() => Promise.reject(broken))
    await expect(scope.wait()).rejects.toBe(broken)
    expect(scope.errors).toEqual([broken])
  })

  everySchedule(
    'GO-074 an error in a task does not end the process: the scope reports it with its stack',
    async () => {
      const scope = new Scope()
      scope.go(async () => {
        await settle()
        throw broken
      })
      await settle()
      // Vitest fails the run on an unhandled rejection: this turn is its chance to see one.
      await settle()
      expect(scope.errors).toEqual([broken])
      await expect(scope.wait()).rejects.toHaveProperty('stack', broken.stack)
    },
  )

  everySchedule('GO-106 a throw before the first wait is a failure like any other', async () => {
    await using scope = new Scope()
    scope.go(() => {
      throw broken
    })
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('a failure that was not waited for is thrown when the block is left', async () => {
    await expect(
      (async () => {
        await using scope = new Scope()
        scope.go(() => Promise.reject(broken))
        await settle()
      })(),
    ).rejects.toBe(broken)
  })

  everySchedule('a failure that wait has thrown is not thrown again when the block is left', async () => {
    await using scope = new Scope()
    scope.go(() => Promise.reject(broken))
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('a cancelled scope starts no more tasks', async () => {
    await using scope = new Scope()
    scope.go(() => Promise.reject(broken))
    await expect(scope.wait()).rejects.toBe(broken)
    expect(() => scope.go(() => expect.unreachable())).toThrow(broken)
  })
})

describe('cancelling', () => {
  everySchedule('cancel stops the tasks; wait then throws the reason', async () => {
    await using scope = new Scope()
    scope.go(waitForStop)
    scope.cancel(broken)
    scope.cancel(new Error('too late to be the reason'))
    await expect(scope.wait()).rejects.toBe(broken)
    expect(scope.errors).toEqual([])
  })

  everySchedule('after a cancel, wait does not throw when all tasks succeed', async () => {
    await using scope = new Scope()
    scope.go((signal) => waitForStop(signal).catch(() => undefined))
    scope.cancel(broken)
    await scope.wait()
  })

  everySchedule('the abort of the parent reaches the tasks of scopes inside scopes', async () => {
    const controller = new AbortController()
    await using outer = new Scope(controller.signal)
    outer.go(async (signal) => {
      await using inner = new Scope(signal)
      inner.go(waitForStop)
      await inner.wait()
    })
    controller.abort(broken)
    await expect(outer.wait()).rejects.toBe(broken)
    expect(outer.errors).toEqual([])
  })

  test('a scope under an aborted parent is cancelled from the start', () => {
    const scope = new Scope(AbortSignal.abort(broken))
    expect(() => scope.go(() => expect.unreachable())).toThrow(broken)
  })

  everySchedule(
    'a scope under a context ends with it and passes on its values and its deadline',
    async () => {
      const clock = new ManualClock()
      const user = new ContextKey<string>('user')
      const parent = withTimeout(withValue(background, user, 'ada'), clock, 5, broken)
      await using scope = new Scope(parent)
      scope.go(waitForStop)
      expect([scope.context.value(user), scope.context.deadline]).toEqual(['ada', 5])
      await clock.advance(5)
      await expect(scope.wait()).rejects.toBe(broken)
      expect([scope.context.cause, scope.context.error?.name]).toEqual([broken, 'TimeoutError'])
    },
  )

  everySchedule('an ended scope leaves no listener in its parent', async () => {
    const { signal } = new AbortController()
    {
      await using scope = new Scope(signal)
      scope.go(waitForStop)
      expect(getEventListeners(signal, 'abort').length).toBe(1)
    }
    leavesNoListener(signal)
  })

  everySchedule('a failure in a scope does not cancel its parent', async () => {
    const controller = new AbortController()
    await using scope = new Scope(controller.signal)
    scope.go(() => Promise.reject(broken))
    await expect(scope.wait()).rejects.toBe(broken)
    expect(controller.signal.aborted).toBe(false)
  })
})
