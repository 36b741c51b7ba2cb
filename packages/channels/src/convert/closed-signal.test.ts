import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { hasSettled, leavesNoListener, settle } from '../../test/probe.ts'
import { aborted } from '../channel/abort-case.ts'
import { Channel } from '../channel/channel.ts'
import { select, trySelect } from '../channel/select.ts'
import { Scope } from '../task/scope.ts'
import { closedSignal } from './closed-signal.ts'

const broken = new Error('broken')

describe('aborted, as a case of select', () => {
  test('is chosen when the signal aborts, with the reason', async () => {
    const controller = new AbortController()
    const cases = { job: new Channel<number>().receiveCase(), stop: aborted(controller.signal) }
    expect(trySelect(cases)).toBe(undefined)
    const chosen = select(cases)
    expect(await hasSettled(chosen)).toBe(false)
    controller.abort(broken)
    expect(await chosen).toEqual({ case: 'stop', reason: broken })
    expect(trySelect(cases)).toEqual({ case: 'stop', reason: broken })
    expect(await select(cases)).toEqual({ case: 'stop', reason: broken })
  })

  test('leaves no listener when another case wins', async () => {
    const [{ signal }, jobs] = [new AbortController(), new Channel<number>()]
    const chosen = select({ job: jobs.receiveCase(), stop: aborted(signal) })
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await jobs.send(1)
    expect(await chosen).toEqual({ case: 'job', ok: true, value: 1 })
    leavesNoListener(signal)
  })
})

describe('the signal of a channel', () => {
  test('aborts when the channel is closed and drained, and ignores values', async () => {
    await using scope = new Scope()
    const done = new Channel<number>(1)
    const signal = closedSignal(scope, done)
    await done.send(1)
    await settle()
    expect([signal.aborted, done.length]).toEqual([false, 0])
    done.close()
    await scope.wait()
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ name: 'AbortError' })
  })

  test('aborts with the reason when the scope is cancelled first', async () => {
    const scope = new Scope()
    const signal = closedSignal(scope, new Channel())
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(signal.reason).toBe(broken)
    expect(scope.errors).toEqual([])
  })
})
