import { describe, expect } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { hasSettled, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { Scope } from '../task/scope.ts'
import { fromIterable } from './iterable.ts'

const broken = new Error('broken')

/** A generator that records its steps. */
function produce(steps: string[], values: readonly number[]): AsyncGenerator<number> {
  return (async function* () {
    try {
      for (const value of values) {
        steps.push(`asked for ${value}`)
        yield value
      }
    } finally {
      await settle()
      steps.push('left')
    }
  })()
}

describe('an async iterable', () => {
  everySchedule('delivers its values in order, then the channel closes', async () => {
    await using scope = new Scope()
    const steps: string[] = []
    const received: number[] = []
    for await (const value of fromIterable(scope, produce(steps, [1, 2, 3]))) received.push(value)
    expect(received).toEqual([1, 2, 3])
    expect(steps.at(-1)).toBe('left')
    await scope.wait()
  })

  everySchedule('is read one value at a time, the next when the previous one is received', async () => {
    await using scope = new Scope()
    const steps: string[] = []
    const channel = fromIterable(scope, produce(steps, [1, 2, 3]))
    await settle()
    expect(steps).toEqual(['asked for 1'])
    await channel.receive()
    await settle()
    expect(steps).toEqual(['asked for 1', 'asked for 2'])
  })

  everySchedule('that throws fails the scope', async () => {
    const scope = new Scope()
    const channel = fromIterable(
      scope,
      (async function* () {
        yield 1
        throw broken
      })(),
    )
    expect(await channel.receive()).toEqual({ ok: true, value: 1 })
    await expect(channel.receive()).rejects.toBe(broken)
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('is returned when the scope is cancelled, and its cleanup is awaited', async () => {
    const scope = new Scope()
    const steps: string[] = []
    fromIterable(scope, produce(steps, [1, 2, 3]))
    await settle()
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(steps).toEqual(['asked for 1', 'left'])
  })

  everySchedule('whose cleanup throws fails the scope', async () => {
    const scope = new Scope()
    fromIterable(
      scope,
      (async function* () {
        try {
          yield 1
        } finally {
          // oxlint-disable-next-line no-unsafe-finally -- cleanup may throw
          throw broken
        }
      })(),
    )
    await settle()
    scope.cancel()
    await expect(scope.wait()).rejects.toBe(broken)
  })

  everySchedule('in the middle of a step does not block the end of the scope, and is returned', async () => {
    const scope = new Scope()
    const steps: string[] = []
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => steps.push('asked')),
        return: async () => {
          steps.push('left')
          throw broken
        },
      }),
    }
    fromIterable(scope, source)
    await settle()
    scope.cancel()
    await scope.wait().catch(() => undefined)
    expect(scope.errors).toEqual([])
    expect(steps).toEqual(['asked', 'left'])
    // Its error on leaving is not reported; an unhandled rejection would fail the run.
    await settle()
  })

  everySchedule('may return synchronously, as JavaScript allows, and may throw', async () => {
    for (const leave of [
      () => ({ done: true, value: undefined }),
      () => {
        throw broken
      },
    ]) {
      const scope = new Scope()
      const walk = { next: () => new Promise(() => undefined), return: leave as never }
      fromIterable(scope, { [Symbol.asyncIterator]: () => walk } as AsyncIterable<number>)
      await settle()
      scope.cancel(broken)
      await expect(scope.wait()).rejects.toBe(broken)
      expect(scope.errors).toEqual([])
    }
  })

  everySchedule('that is a channel delivers the same values', async () => {
    await using scope = new Scope()
    const source = new Channel<number>(3)
    for (const n of upTo(3)) source.trySend(n)
    source.close()
    const received: number[] = []
    for await (const n of fromIterable(scope, source)) received.push(n)
    expect(received).toEqual([0, 1, 2])
  })
})

describe('an iterable', () => {
  everySchedule('delivers its values unchanged, including promises, and is never read ahead', async () => {
    await using scope = new Scope()
    const promise = Promise.resolve(2)
    const asked: number[] = []
    const channel = fromIterable(
      scope,
      (function* () {
        asked.push(1)
        yield 1
        asked.push(2)
        yield promise
      })(),
    )
    expect(await channel.receive()).toEqual({ ok: true, value: 1 })
    const second = await channel.receive()
    expect(second.value).toBe(promise)
    expect(asked).toEqual([1, 2])
    expect(await channel.receive()).toEqual({ ok: false, value: undefined })
  })

  everySchedule('may be a string, which delivers its characters', async () => {
    await using scope = new Scope()
    const received: string[] = []
    for await (const character of fromIterable(scope, 'ab')) received.push(character)
    expect(received).toEqual(['a', 'b'])
  })

  everySchedule('is returned when the scope is cancelled', async () => {
    const scope = new Scope()
    let hasLeft = false
    const channel = fromIterable(
      scope,
      (function* () {
        try {
          for (;;) yield 1
        } finally {
          hasLeft = true
        }
      })(),
    )
    await channel.receive()
    expect(await hasSettled(scope.wait())).toBe(false)
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(hasLeft).toBe(true)
  })
})
