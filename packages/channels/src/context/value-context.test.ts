import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { settle, upTo } from '../../test/probe.ts'
import { ManualClock } from '@millrace/world'
import { withCancel, withTimeout } from './cancel-context.ts'
import { afterFunc } from './after-func.ts'
import { ContextKey } from './context.ts'
import type { Context } from './context.ts'
import { background, withoutCancel } from './endless-context.ts'
import { withValue } from './value-context.ts'

const user = new ContextKey<string | null>('user')
const depth = new ContextKey<number>('depth')

describe('values', () => {
  test('GO-121 the nearest value wins, keys compare by identity, and null hides an outer value', () => {
    const outer = withValue(withValue(background, user, 'ada'), depth, 1)
    const inner = withValue(withCancel(outer), user, 'grace')
    expect([outer.value(user), inner.value(user), inner.value(depth)]).toEqual(['ada', 'grace', 1])
    expect(inner.value(new ContextKey<string>('user'))).toBe(undefined)
    expect(withValue(inner, user, null).value(user)).toBe(null)
    expect(background.value(user)).toBe(undefined)
  })

  test('GO-122 GO-123 a missing or invalid key is rejected', () => {
    for (const key of [null, undefined, 'user', [], () => 1]) {
      expect(() => withValue(background, key as unknown as ContextKey<number>, 1)).toThrow(TypeError)
    }
  })

  test('a key has the type of its values', () => {
    // @ts-expect-error -- a number under a key of strings
    withValue(background, user, 5)
    // @ts-expect-error -- a key of strings is no key of numbers
    expect(background.value<number>(user)).toBe(undefined)
  })

  everySchedule('a value does not change the end of its parent', async () => {
    const clock = new ManualClock()
    using parent = withTimeout(background, clock, 5)
    const ctx = withValue(parent, depth, 1)
    expect([ctx.deadline, ctx.signal]).toEqual([parent.deadline, parent.signal])
    await clock.advance(5)
    expect([ctx.error, ctx.cause]).toEqual([parent.error, parent.error])
  })

  test('GO-145 the text form shows the chain', () => {
    const clock = new ManualClock()
    class Traced {
      readonly deadline = undefined
      readonly signal = background.signal
      readonly error = undefined
      readonly cause = undefined
      value(): undefined {
        return undefined
      }
    }
    const ctx = withValue(withTimeout(withCancel(background), clock, 500), user, 'ada')
    expect(String(ctx)).toBe('background.withCancel.withTimeout(500 ms).withValue(user)')
    expect(String(withCancel(new Traced()))).toBe('Traced.withCancel')
    expect(String(withoutCancel(ctx))).toBe(`${String(ctx)}.withoutCancel`)
  })
})

describe('withoutCancel', () => {
  everySchedule(
    'GO-135 keeps values and drops the end: over a live, a cancelled and a timed-out parent',
    async () => {
      const clock = new ManualClock()
      const [live, cancelled, late] = upTo(3).map(() =>
        withTimeout(withValue(background, depth, 7), clock, 5, new Error('late')),
      ) as [ReturnType<typeof withTimeout>, ReturnType<typeof withTimeout>, ReturnType<typeof withTimeout>]
      const fromLive = withoutCancel(live)
      cancelled.cancel(new Error('cancelled'))
      const fromCancelled = withoutCancel(cancelled)
      await clock.advance(5)
      for (const ctx of [fromLive, fromCancelled, withoutCancel(late)]) {
        expect([ctx.deadline, ctx.error, ctx.cause, ctx.signal.aborted]).toEqual([
          undefined,
          undefined,
          undefined,
          false,
        ])
        expect(ctx.value(depth)).toBe(7)
        afterFunc(ctx, () => expect.unreachable())
      }
      await settle()
    },
  )

  test('contexts derived from it end on their own', () => {
    const parent = withCancel(withValue(background, depth, 7))
    const child = withCancel(withoutCancel(parent))
    parent.cancel()
    expect(child.error).toBe(undefined)
    child.cancel()
    expect([child.error?.name, child.value(depth)]).toEqual(['AbortError', 7])
  })
})

test('a derived context is accepted where any context is', () => {
  const readDepth = (ctx: Context): number => ctx.value(depth) ?? 0
  expect([readDepth(background), readDepth(withValue(background, depth, 2))]).toEqual([0, 2])
})
