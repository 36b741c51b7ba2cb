import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { settle } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { after } from '../channel/select-case.ts'
import { select } from '../channel/select.ts'
import { fromIterable } from '../convert/iterable.ts'
import { batch } from '../pattern/pace.ts'
import { parallelMap } from '../pattern/stage.ts'
import { Scope } from '../task/scope.ts'
import { ManualClock, sleep } from '@millrace/world'
import { inspect } from './inspector.ts'
import type { Inspector } from './inspector.ts'
import type { WatchedTask } from './roster.ts'

/** A dump or a leak with the directories of its places left out. */
function short(text: string): string {
  return text.replaceAll(/\/\S*\//g, '')
}

/** The lines of this file that a text names, in order; -1 for a place in another file. */
function linesIn(text: string): number[] {
  return [...text.matchAll(/(\S+):(\d+)/g)].map((found) =>
    found[1]!.endsWith('/inspector.test.ts') ? Number(found[2]) : -1,
  )
}

/** The line of this file from which it is called. */
function line(): number {
  return Number(/inspector\.test\.ts:(\d+)/.exec(new Error('here').stack!.split('\n')[2]!)![1])
}

function inspector(clock = new ManualClock()): Inspector {
  return inspect({ clock, context: new AsyncLocalStorage<WatchedTask>() })
}

test('GO-073 a dump shows which task waits on what, since when and where', async () => {
  const clock = new ManualClock()
  using watch = inspector(clock)
  const scope = new Scope(undefined, 'shop')
  const [jobs, made] = [new Channel<string>(2, 'jobs'), line()]
  scope.go(async (signal) => void (await jobs.receive(signal)), 'worker')
  await clock.advance(1_200)
  scope.go((signal) => sleep(clock, 5_000, signal))
  const text = watch.dump()
  expect(short(text).replaceAll(/:\d+/g, '')).toBe(
    [
      '2 tasks, 2 waits',
      '"worker", started at inspector.test.ts',
      '  receive on channel "jobs" (0 of 2, made at inspector.test.ts) since 1200 ms, at inspector.test.ts',
      '"task 1", started at inspector.test.ts',
      '  sleep since 0 ms, at inspector.test.ts',
    ].join('\n'),
  )
  expect(linesIn(text)).toEqual([made + 1, made, made + 1, made + 3, made + 3])
  scope.cancel()
  await scope[Symbol.asyncDispose]()
  expect(watch.dump()).toBe('0 tasks, 0 waits')
})

test('a select is shown with all of its cases', async () => {
  using watch = inspector()
  const [jobs, quiet] = [new Channel<string>(0, 'jobs'), new Channel<string>()]
  const controller = new AbortController()
  const selected = select(
    {
      job: jobs.receiveCase(),
      put: quiet.sendCase('x'),
      off: undefined,
      late: after(new ManualClock(), 9),
    },
    controller,
  )
  expect(short(watch.dump()).replaceAll(/:\d+/g, '')).toContain(
    'select { job: receive on channel "jobs" (0 of 0, made at inspector.test.ts); put: send on channel 1 ' +
      '(0 of 0, made at inspector.test.ts); off: never; late: after 9 ms }',
  )
  controller.abort(new Error('enough'))
  await expect(selected).rejects.toThrow('enough')
  expect(watch.waits).toEqual([])
})

test('a wait belongs to the task that called it at any depth, and to no task outside of scopes', async () => {
  using watch = inspector()
  const channel = new Channel<number>()
  const deep = async (signal: AbortSignal): Promise<void> => {
    await settle()
    await channel.receive(signal)
  }
  void deep(new AbortController().signal)
  await using scope = new Scope()
  scope.go((signal) => deep(signal), 'deep')
  await settle()
  expect(watch.waits.map((wait) => wait.task?.name)).toEqual([undefined, 'deep'])
})

test('a wait with an aborted signal, which never begins, is not recorded', async () => {
  const clock = new ManualClock()
  using watch = inspector(clock)
  await expect(sleep(clock, 5, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
  expect(watch.dump()).not.toContain('sleep')
})

test('leftOvers lists tasks, waits, scopes and values that were never received', async () => {
  using watch = inspector()
  const leaky = new Scope(undefined, 'leaky')
  leaky.go((signal) => new Channel().send('x', signal), 'stuck')
  await new Channel<number>(2, 'full').send(1)
  expect(watch.leaks().map((leak) => short(leak).replaceAll(/:\d+/g, ''))).toEqual([
    '"stuck", started at inspector.test.ts, has not ended',
    '"stuck" still waits: send on channel 1 (0 of 0, made at inspector.test.ts) since 0 ms, at inspector.test.ts',
    'scope "leaky", made at inspector.test.ts, was not left; make it with await using',
    'channel "full", made at inspector.test.ts, holds 1 value that were never received',
  ])
  await leaky[Symbol.asyncDispose]()
})

test('leftOvers of a program that has ended cleanly is empty', async () => {
  using watch = inspector()
  const channel = new Channel<number>(1)
  {
    await using scope = new Scope()
    scope.go(async () => {
      for (let n = 0; n < 3; n++) await channel.send(n)
      channel.close()
    })
    for await (const n of channel) expect(n).toBeLessThan(3)
    await scope.wait()
  }
  expect(watch.leaks()).toEqual([])
})

test('a task that returns no promise, as plain JavaScript allows, is recorded as ended', async () => {
  using watch = inspector()
  await using scope = new Scope()
  scope.go((() => 5) as never)
  await scope.wait()
  expect(watch.dump()).toBe('0 tasks, 0 waits')
})

test('a reader that leaves a pattern early leaves no leftovers: waits inside the pattern do not count', async () => {
  using watch = inspector()
  const clock = new ManualClock()
  {
    await using scope = new Scope()
    const numbers = fromIterable(scope, [1, 2, 3, 4, 5, 6])
    const doubled = parallelMap(scope, numbers, 3, async (n) => 2 * n)
    for await (const [first] of batch(scope, doubled, { size: 2, withinMs: 10, clock })) {
      expect(first).toBe(2)
      break
    }
  }
  expect(watch.leaks()).toEqual([])
})

test('a disposed inspector adds no cost to later tasks', () => {
  const context = new AsyncLocalStorage<WatchedTask>()
  const task = { name: 'worker' } as WatchedTask
  using watch = inspect({ clock: new ManualClock(), context })
  context.enterWith(task)
  expect(context.getStore()).toBe(task)
  watch[Symbol.dispose]()
  expect(context.getStore()).toBeUndefined()
})
