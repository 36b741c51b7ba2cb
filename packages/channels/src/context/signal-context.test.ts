import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { unhandledIn } from '../../test/unhandled.ts'
import { Channel } from '../channel/channel.ts'
import { ManualClock } from '@millrace/world'
import { withCancel, withTimeout } from './cancel-context.ts'
import { ContextCancelledError, DeadlineExceededError } from './context-error.ts'
import { ContextKey } from './context.ts'
import { background } from './endless-context.ts'
import { fromSignal } from './signal-context.ts'
import { withValue } from './value-context.ts'
import { leavesNoListener } from '../../test/probe.ts'

const finishing = new Error('finishing')

describe('fromSignal', () => {
  test('GO-146 the reason of the signal is the cause of the context and of all derived ones', () => {
    const controller = new AbortController()
    const ctx = fromSignal(controller.signal)
    const child = withCancel(withValue(ctx, new ContextKey<number>('n'), 1))
    expect([ctx.error, ctx.cause, child.error]).toEqual([undefined, undefined, undefined])
    controller.abort(finishing)
    expect(ctx.error).toBeInstanceOf(ContextCancelledError)
    expect([ctx.cause, child.cause, child.signal.reason]).toEqual([finishing, finishing, finishing])
    expect([child.error, ctx.signal]).toEqual([ctx.error, controller.signal])
  })

  test('a reason named TimeoutError is a deadline that has passed', () => {
    const late = new DOMException('late', 'TimeoutError')
    const ctx = fromSignal(AbortSignal.abort(late))
    expect(ctx.error).toBeInstanceOf(DeadlineExceededError)
    expect([ctx.cause, ctx.error?.cause]).toEqual([late, late])
  })

  everySchedule('GO-146 converted to a context and back, the error is the same object', async () => {
    const clock = new ManualClock()
    const there = withTimeout(background, clock, 5)
    const back = fromSignal(there.signal)
    await clock.advance(5)
    expect([back.error, back.cause]).toEqual([there.error, there.error])
  })

  test('a context without listeners adds none to the signal, and its children add one', () => {
    const { signal } = new AbortController()
    const ctx = fromSignal(signal)
    expect(getEventListeners(signal, 'abort').length).toBe(0)
    const children = [withCancel(ctx), withCancel(ctx), withCancel(ctx)]
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    for (const child of children) child.cancel()
    leavesNoListener(signal)
  })

  test('a missing signal is rejected', () => {
    expect(() => fromSignal(undefined as unknown as AbortSignal)).toThrow(TypeError)
  })
})

describe('the signal of a context', () => {
  everySchedule('GO-061 GO-146 a wait with it ends with the cause of the context', async () => {
    const ctx = withCancel(background)
    const received = new Channel<number>().receive(ctx.signal)
    ctx.cancel(finishing)
    await expect(received).rejects.toBe(finishing)
    await expect(new Channel<number>().receive(ctx.signal)).rejects.toBe(finishing)
  })

  test('is one object, created when it is first read', () => {
    const ctx = withCancel(background)
    expect(ctx.signal).toBe(ctx.signal)
  })

  everySchedule('GO-146 a callback that throws does not prevent the others', async () => {
    const ctx = withCancel(background)
    const child = withCancel(ctx)
    const heard: string[] = []
    ctx.onEnd?.(() => {
      throw finishing
    })
    ctx.onEnd?.(() => heard.push('same context'))
    child.onEnd?.(() => heard.push('child'))
    child.signal.addEventListener('abort', () => heard.push('signal of the child'))
    const unhandled = await unhandledIn(() => {
      ctx.cancel()
      expect(heard).toEqual(['same context', 'signal of the child', 'child'])
    })
    expect(unhandled).toEqual([finishing])
  })
})
