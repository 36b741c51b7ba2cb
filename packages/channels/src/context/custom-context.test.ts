import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { leavesNoListener, upTo } from '../../test/probe.ts'
import { ManualClock } from '@millrace/world'
import { withCancel, withTimeout } from './cancel-context.ts'
import type { Context, ContextKey } from './context.ts'
import { background } from './endless-context.ts'

// Custom contexts: a wrapper that delegates everything, one with its own end, and one that also calls back.

class Wrapper implements Context {
  readonly inner: Context
  signalsAsked = 0

  constructor(inner: Context) {
    this.inner = inner
  }

  get deadline(): number | undefined {
    return this.inner.deadline
  }

  get signal(): AbortSignal {
    this.signalsAsked += 1
    return this.inner.signal
  }

  get error(): Error | undefined {
    return this.inner.error
  }

  get cause(): unknown {
    return this.inner.cause
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return this.inner.value(key)
  }

  onEnd(callback: () => void): Disposable {
    return this.inner.onEnd!(callback)
  }
}

class Own implements Context {
  readonly deadline = undefined
  readonly controller = new AbortController()
  error: Error | undefined
  cause: unknown

  get signal(): AbortSignal {
    return this.controller.signal
  }

  value(): undefined {
    return undefined
  }

  end(error: Error, cause?: unknown): void {
    this.error = error
    this.cause = cause
    this.controller.abort(cause ?? error)
  }
}

class Calling extends Own {
  readonly callbacks = new Set<() => void>()

  onEnd(callback: () => void): Disposable {
    this.callbacks.add(callback)
    return { [Symbol.dispose]: () => void this.callbacks.delete(callback) }
  }
}

const finishing = new Error('finishing')

everySchedule('GO-109 GO-117 an end and a deadline pass through a wrapper', async () => {
  const clock = new ManualClock()
  const root = withTimeout(background, clock, 10)
  const child = withTimeout(new Wrapper(withCancel(new Wrapper(root))), clock, 1_000)
  expect(child.deadline).toBe(10)
  await clock.advance(10)
  expect([child.error, clock.pending]).toEqual([root.error, 0])
  const other = withCancel(background)
  const below = withCancel(new Wrapper(other))
  other.cancel(finishing)
  expect([below.error, below.cause]).toEqual([other.error, finishing])
})

test('GO-129 a custom context with its own end has one listener for all children, a wrapper none', () => {
  const own = new Own()
  const children = upTo(1_000).map(() => withCancel(own))
  expect(getEventListeners(own.signal, 'abort').length).toBe(1)
  for (const child of children) child.cancel()
  leavesNoListener(own.signal)
  const wrapper = new Wrapper(withCancel(background))
  const wrapped = upTo(1_000).map(() => withCancel(wrapper))
  expect(wrapper.signalsAsked).toBe(0)
  for (const child of wrapped) child.cancel()
})

test('GO-130 a custom context with onEnd is used instead of its signal, and released on cancel', () => {
  const calling = new Calling()
  const [a, b] = [withCancel(calling), withCancel(calling)]
  expect(calling.callbacks.size).toBe(2)
  expect(getEventListeners(calling.signal, 'abort').length).toBe(0)
  a.cancel()
  expect(calling.callbacks.size).toBe(1)
  calling.error = finishing
  for (const callback of calling.callbacks) callback()
  expect([b.error, calling.callbacks.size]).toEqual([finishing, 0])
})

test('GO-136 a cause passes up and down through a custom context', () => {
  const above = withCancel(background)
  const child = withCancel(new Wrapper(above))
  const grandchild = withCancel(new Wrapper(child))
  child.cancel(finishing)
  expect([above.cause, child.cause, grandchild.cause]).toEqual([undefined, finishing, finishing])
  expect(new Wrapper(grandchild).cause).toBe(finishing)
  const own = new Own()
  const below = withCancel(own)
  own.end(new Error('over'), finishing)
  expect([below.error, below.cause]).toEqual([own.error, finishing])
})

test('GO-136 a custom context without a cause uses its error, and one without an error is a cancel', () => {
  const [causeless, errorless] = [new Own(), new Own()]
  const children = [withCancel(causeless), withCancel(errorless)] as const
  causeless.end(finishing)
  errorless.controller.abort()
  expect([children[0].error, children[0].cause]).toEqual([finishing, finishing])
  expect(children[1].error?.name).toBe('AbortError')
  const late = withCancel(causeless)
  expect([late.error, late.cause]).toEqual([finishing, finishing])
})
