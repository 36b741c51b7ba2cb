import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { collectGarbage, heldBytes } from '../../test/heap.ts'
import { settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { ManualClock } from '@millrace/world'
import { withCancel, withDeadline, withTimeout } from './cancel-context.ts'
import { ContextCancelledError, DeadlineExceededError } from './context-error.ts'
import { ContextKey } from './context.ts'
import type { Context } from './context.ts'
import { background, withoutCancel } from './endless-context.ts'
import { withValue } from './value-context.ts'

const key = new ContextKey<number>('key')
const finishing = new Error('finishing')

describe('cancelling', () => {
  everySchedule('GO-107 the background never ends, has no deadline and no error', async () => {
    expect([background.error, background.cause, background.deadline]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(background.signal.aborted).toBe(false)
    const quiet = new Channel<number>()
    const received = quiet.receive(background.signal)
    await quiet.send(1)
    expect(await received).toEqual({ ok: true, value: 1 })
  })

  test('GO-108 error and signal are not set before the cancel and both are set after it', () => {
    const ctx = withCancel(background)
    const { signal } = ctx
    expect([signal.aborted, ctx.error, ctx.cause]).toEqual([false, undefined, undefined])
    ctx.cancel()
    expect(signal.aborted).toBe(true)
    expect(ctx.error).toBeInstanceOf(ContextCancelledError)
    expect([ctx.cause, signal.reason]).toEqual([ctx.error, ctx.error])
  })

  test('GO-109 an end reaches all descendants before cancel returns', () => {
    const root = withCancel(background)
    const clock = new ManualClock()
    const descendants: Context[] = [root]
    for (const _ of upTo(4)) {
      const parent = descendants.at(-1)!
      descendants.push(withCancel(parent), withValue(parent, key, 1), withTimeout(parent, clock, 1_000))
    }
    const signals = descendants.map((each) => each.signal)
    root.cancel()
    expect(descendants.every((each) => each.error === root.error)).toBe(true)
    expect(signals.every((each) => each.aborted && each.reason === root.error)).toBe(true)
  })

  test('the first callback of an end sees the whole tree ended', () => {
    const root = withCancel(background)
    const child = withCancel(root)
    const grandchild = withCancel(child)
    const seen: boolean[] = []
    root.signal.addEventListener('abort', () => seen.push(grandchild.error !== undefined))
    root.cancel()
    expect(seen).toEqual([true])
  })

  test('GO-110 the end of a child does not affect the parent and its other children', () => {
    const parent = withCancel(background)
    const [child, sibling] = [withCancel(parent), withCancel(parent)]
    child.cancel()
    expect([parent.error, sibling.error]).toEqual([undefined, undefined])
    parent.cancel()
    expect(sibling.error).toBe(parent.error)
    expect(child.error).not.toBe(parent.error)
  })

  test('GO-114 a child of an ended context has ended from the start, in the same way', () => {
    const parent = withCancel(background)
    parent.cancel(finishing)
    const clock = new ManualClock()
    for (const child of [withCancel(parent), withTimeout(parent, clock, 5), withValue(parent, key, 1)]) {
      expect([child.error, child.cause, child.signal.reason]).toEqual([parent.error, finishing, finishing])
    }
    expect(clock.pending).toBe(0)
  })

  test('GO-115 only the first cancel counts', () => {
    const ctx = withCancel(background)
    ctx.cancel(finishing)
    const { error } = ctx
    ctx.cancel(new Error('too late'))
    ctx.cancel()
    expect([ctx.error, ctx.cause]).toEqual([error, finishing])
  })

  test('leaving the block of using ends the context', () => {
    let left: Context
    {
      using ctx = withCancel(background)
      left = ctx
      expect(left.error).toBe(undefined)
    }
    expect(left.error).toBeInstanceOf(ContextCancelledError)
  })

  test('a chain of 20,000 contexts ends without a stack overflow', () => {
    const root = withCancel(background)
    let leaf: Context = withValue(root, key, 7)
    for (const _ of upTo(20_000)) leaf = withCancel(withValue(leaf, new ContextKey('other'), 0))
    root.cancel()
    expect([leaf.error, leaf.value(key)]).toEqual([root.error, 7])
  })

  test('GO-124 a missing parent is rejected', () => {
    const none = null as unknown as Context
    const clock = new ManualClock()
    for (const make of [
      () => withCancel(none),
      () => withTimeout(none, clock, 1),
      () => withDeadline(none, clock, 1),
      () => withValue(none, key, 1),
      () => withoutCancel(none),
    ]) {
      expect(make).toThrow(TypeError)
    }
  })
})

describe('memory of a tree', () => {
  test('GO-111 a million cancelled children are not kept by their parent', async () => {
    const parent = withCancel(background)
    const before = await heldBytes()
    for (let i = 0; i < 1_000_000; i++) withCancel(parent).cancel(finishing)
    expect((await heldBytes()) - before).toBeLessThan(2_000_000)
    parent.cancel()
  })

  test('GO-112 a million children with a timeout are not kept either, however they ended', async () => {
    const parent = withCancel(background)
    const clock = new ManualClock()
    const before = await heldBytes()
    for (let i = 0; i < 1_000; i++) {
      for (let j = 0; j < 1_000; j++) {
        const child = withTimeout(parent, clock, 100, finishing)
        if (j % 10 > 0) child.cancel()
      }
      await clock.advance(100)
    }
    expect(clock.pending).toBe(0)
    expect((await heldBytes()) - before).toBeLessThan(2_000_000)
    parent.cancel()
  })

  test('GO-113 a cancelled parent releases its children', async () => {
    const parent = withCancel(background)
    const child = (() => {
      const made = withCancel(parent)
      made.onEnd?.(() => undefined)
      return new WeakRef(made)
    })()
    await collectGarbage()
    expect(child.deref()).not.toBe(undefined)
    parent.cancel()
    await collectGarbage()
    expect([child.deref(), parent.error?.name]).toEqual([undefined, 'AbortError'])
  })

  test('GO-144 a context costs less than 300 bytes, and a value on top less than 100', async () => {
    const n = 100_000
    const root = withCancel(background)
    const before = await heldBytes()
    const cancels = upTo(n).map(() => withCancel(root))
    const between = await heldBytes()
    const values = cancels.map((each) => withValue(each, key, 1))
    const after = await heldBytes()
    expect((between - before) / n).toBeLessThan(300)
    expect((after - between) / n).toBeLessThan(100)
    root.cancel()
    expect(values[n - 1]?.error).toBe(root.error)
  })
})

describe('deadlines', () => {
  everySchedule('GO-116 the error says that the deadline has passed', async () => {
    const clock = new ManualClock(1_000)
    const [timeout, deadline] = [withTimeout(background, clock, 50), withDeadline(background, clock, 1_050)]
    await clock.advance(49)
    expect([timeout.error, deadline.error]).toEqual([undefined, undefined])
    await clock.advance(1)
    for (const ctx of [timeout, deadline]) {
      expect(ctx.error).toBeInstanceOf(DeadlineExceededError)
      expect(ctx.cause).toBe(ctx.error)
    }
  })

  everySchedule(
    'GO-117 GO-120 the earlier deadline of parent and child wins and is the one reported',
    async () => {
      const clock = new ManualClock(1_000)
      const short = withTimeout(background, clock, 10)
      const longInShort = withTimeout(withValue(short, key, 1), clock, 1_000)
      const long = withTimeout(background, clock, 1_000)
      const shortInLong = withTimeout(withCancel(long), clock, 10)
      expect([longInShort.deadline, shortInLong.deadline, long.deadline]).toEqual([1_010, 1_010, 2_000])
      expect(withCancel(longInShort).deadline).toBe(1_010)
      await clock.advance(10)
      expect(longInShort.error).toBe(short.error)
      expect(shortInLong.error).toBeInstanceOf(DeadlineExceededError)
      expect(long.error).toBe(undefined)
    },
  )

  test('GO-118 a deadline now or in the past ends the context at once', () => {
    const clock = new ManualClock(1_000)
    for (const ctx of [
      withTimeout(background, clock, 0),
      withTimeout(background, clock, -1),
      withDeadline(background, clock, 1_000),
      withDeadline(background, clock, 10),
    ]) {
      expect(ctx.error).toBeInstanceOf(DeadlineExceededError)
    }
    expect(clock.pending).toBe(0)
  })

  everySchedule('GO-119 a cancel before the timeout is a cancel, and frees the timer', async () => {
    const clock = new ManualClock()
    const [ctx, parent] = [withTimeout(background, clock, 50), withCancel(background)]
    const child = withTimeout(parent, clock, 50)
    expect(clock.pending).toBe(2)
    ctx.cancel()
    parent.cancel()
    expect(clock.pending).toBe(0)
    await clock.advance(100)
    for (const each of [ctx, child]) expect(each.error).toBeInstanceOf(ContextCancelledError)
  })

  everySchedule("GO-125 the error of a deadline has the platform's name for a timeout", async () => {
    const clock = new ManualClock()
    const ctx = withTimeout(background, clock, 5)
    await clock.advance(5)
    expect([ctx.error?.name, withCancel(ctx).error?.name]).toEqual(['TimeoutError', 'TimeoutError'])
    expect(ctx.error).toHaveProperty('code', 'DEADLINE_EXCEEDED')
    expect(ctx.error?.message).toContain('5 ms')
  })

  everySchedule('GO-165 a jump of the wall clock moves no deadline', async () => {
    const clock = new ManualClock()
    const parent = withTimeout(background, clock, 1_000)
    clock.jumpWallClock(3_600_000)
    const child = withTimeout(parent, clock, 500)
    await clock.advance(500)
    expect(child.error).toBeInstanceOf(DeadlineExceededError)
    expect(parent.error).toBe(undefined)
  })

  test('an infinite timeout sets no deadline, and an invalid one is rejected', () => {
    const clock = new ManualClock()
    expect(withTimeout(background, clock, Infinity).deadline).toBe(undefined)
    expect(clock.pending).toBe(0)
    expect(() => withTimeout(background, clock, NaN)).toThrow(RangeError)
    expect(() => withDeadline(background, clock, NaN)).toThrow(RangeError)
  })
})

describe('causes', () => {
  test('GO-131 after cancel(cause) the error is a cancel and the cause is the given one; without a cause it is the error itself', () => {
    const [given, none] = [withCancel(background), withCancel(background)]
    given.cancel(finishing)
    none.cancel(null)
    expect(given.error).toBeInstanceOf(ContextCancelledError)
    expect([given.cause, given.signal.reason, given.error?.cause]).toEqual([finishing, finishing, finishing])
    expect(none.cause).toBe(none.error)
    expect(none.error).not.toHaveProperty('cause')
  })

  test('GO-132 the first cause on the path wins', () => {
    const [of1, of2] = [new Error('of the parent'), new Error('of the child')]
    const family = (): { parent: ReturnType<typeof withCancel>; child: ReturnType<typeof withCancel> } => {
      const parent = withCancel(background)
      return { parent, child: withCancel(withValue(parent, key, 1)) }
    }
    const a = family()
    a.parent.cancel(of1)
    a.child.cancel(of2)
    expect([a.parent.cause, a.child.cause]).toEqual([of1, of1])
    const b = family()
    b.child.cancel(of2)
    b.parent.cancel(of1)
    expect([b.parent.cause, b.child.cause]).toEqual([of1, of2])
    const c = family()
    c.parent.cancel()
    c.child.cancel(of2)
    expect(c.child.cause).toBe(c.parent.error)
  })

  everySchedule('GO-133 the cause of a timeout applies only if the timer fired', async () => {
    const clock = new ManualClock()
    const [fired, early] = [
      withTimeout(background, clock, 5, finishing),
      withDeadline(background, clock, 5, finishing),
    ]
    early.cancel()
    await clock.advance(5)
    expect([fired.cause, fired.error?.name]).toEqual([finishing, 'TimeoutError'])
    expect([early.cause, early.error?.name]).toEqual([early.error, 'AbortError'])
    expect(withTimeout(background, clock, 0, finishing).cause).toBe(finishing)
  })

  everySchedule(
    'GO-134 a child that timed out keeps its cause when the parent is cancelled later',
    async () => {
      const clock = new ManualClock()
      const parent = withCancel(background)
      const child = withTimeout(parent, clock, 5, finishing)
      await clock.advance(5)
      parent.cancel(new Error('later'))
      await settle()
      expect(child.cause).toBe(finishing)
    },
  )
})
