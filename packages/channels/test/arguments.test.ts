import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { ReadableStream, WritableStream } from 'node:stream/web'
import { describe, expect, test } from 'vitest'
import * as api from '../src/index.ts'
import { onAbort, shown } from '@millrace/world'

/** The package without its types, as plain JavaScript sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- that is the point of this test
const js = { ...api, onAbort } as any
const { background, systemClock: clock } = api

const work = async (): Promise<void> => undefined
const signal = new AbortController().signal
const channel = new api.Channel<number>(1)
const scope = new api.Scope()
const working = Promise.resolve()

/** Calls and the messages of their errors: TypeErrors, or RangeErrors for numbers. */
type Row = readonly [call: () => unknown, message: string]

const numbers: readonly Row[] = [
  [() => new js.Channel('5'), 'Channel: capacity is "5"; pass an integer from 0 to 1073741824'],
  [() => new js.Semaphore('5'), 'Semaphore: capacity is "5"; pass an integer from 0 to 2^52'],
  [
    () => new js.Semaphore(5).acquire(signal),
    'Semaphore: the weight is an AbortSignal; pass an integer from 0 to the capacity, which is 5',
  ],
  [() => channel.receiveMany('5' as never), 'receiveMany: max is "5"; pass an integer of at least 1'],
  [
    () => new js.WaitGroup().add('1'),
    'WaitGroup.add: 0 + "1" is not a valid count; call done once for each add',
  ],
  [
    () => new js.ErrGroup().setLimit('5'),
    'ErrGroup.setLimit: the limit is "5"; pass an integer, negative for none',
  ],
  [() => js.sleep(clock, '5'), 'sleep: delayMs is "5"; pass a number of milliseconds'],
  [() => js.sleep(clock), 'sleep: delayMs is undefined; pass a number of milliseconds'],
  [() => js.after(clock), 'after: delayMs is undefined; pass a number of milliseconds'],
  [() => new js.Timer(clock, '5'), 'Timer: delayMs is "5"; pass a number of milliseconds'],
  [() => new js.Alarm(clock, NaN, work), 'Alarm: delayMs is NaN; pass a number of milliseconds'],
  [() => new js.Ticker(clock, '5'), 'Ticker: the period is "5" ms; pass a positive number of milliseconds'],
  [
    () => clock.schedule('5' as never, () => undefined),
    'schedule: delayMs is "5"; pass a number of milliseconds',
  ],
  [
    () => js.withTimeout(background, clock, '5'),
    'withTimeout: delayMs is "5"; pass a number of milliseconds',
  ],
  [
    () => js.withDeadline(background, clock, new Map()),
    'withDeadline: atMs is a Map; pass milliseconds since the Unix epoch',
  ],
  [
    () => new js.RateLimiter({ clock, perSecond: '5', burst: 1 }),
    'RateLimiter: perSecond is "5"; pass a positive number or Infinity',
  ],
  [
    () => new js.RateLimiter({ clock, perSecond: 5, burst: '1' }),
    'RateLimiter: burst is "1"; pass a positive integer',
  ],
  [
    () => new js.RateLimiter({ clock, perSecond: 5, burst: 1 }).wait(signal),
    'RateLimiter: an AbortSignal tokens; pass an integer from 0 to the burst, which is 1',
  ],
  [() => new js.ManualClock('5'), 'ManualClock: startMs is "5"; pass milliseconds since the Unix epoch'],
  [() => new js.ManualClock().advance('5'), 'advance: "5" ms; pass a finite number, 0 or more'],
  [() => new js.ManualClock().jumpWallClock('5'), 'jumpWallClock: ms is "5"; pass a number of milliseconds'],
  [() => js.seededRandom('5'), 'seededRandom: seed is "5"; pass a finite number'],
  [() => js.systemRandom.int('5'), 'int: bound is "5"; pass an integer from 1 to 2^53-1'],
  [() => js.fanOut(scope, channel, '2'), 'fanOut: count is "2"; pass a positive integer'],
  [
    () => js.parallelMap(scope, channel, (n: number) => n),
    'parallelMap: limit is a function; pass a positive integer',
  ],
  [
    () => js.batch(scope, channel, { size: 2, withinMs: '5', clock }),
    'batch: withinMs is "5"; pass a number of milliseconds',
  ],
]

const A_CLOCK = 'pass a Clock, such as systemClock'
const A_TASK = 'pass a function that starts it: () => work()'

const kinds: readonly Row[] = [
  [() => js.sleep(500), `sleep: the clock is 500; ${A_CLOCK}`],
  [() => js.sleep(js.ManualClock, 500), `sleep: the clock is the function ManualClock; ${A_CLOCK}`],
  [() => js.sleep(clock, 1, {}), 'sleep: the signal is an object; pass an AbortSignal, or leave it out'],
  [() => js.after(500), `after: the clock is 500; ${A_CLOCK}`],
  [() => new js.Timer(500), `Timer: the clock is 500; ${A_CLOCK}`],
  [() => new js.Ticker(500), `Ticker: the clock is 500; ${A_CLOCK}`],
  [() => new js.Alarm(500, work), `Alarm: the clock is 500; ${A_CLOCK}`],
  [() => js.withTimeout(background, 500), `withTimeout: the clock is 500; ${A_CLOCK}`],
  [() => js.throttle(scope, channel, { everyMs: 5 }), `throttle: the clock is undefined; ${A_CLOCK}`],
  [() => js.tick(clock, 5), 'tick: the signal is undefined; pass an AbortSignal, or leave it out'],
  [() => js.aborted(background), 'aborted: the signal is an EndlessContext; pass its property signal'],
  [
    () => js.onAbort(undefined, work),
    'onAbort: the signal is undefined; pass an AbortSignal, or leave it out',
  ],
  [() => js.doneCase(signal), 'doneCase: the context is an AbortSignal; pass fromSignal(signal)'],
  [() => js.withCancel(signal), 'withCancel: the parent is an AbortSignal; pass fromSignal(signal)'],
  [() => js.withCancel({}), 'withCancel: the parent is an object; pass a Context'],
  [
    () => js.withTimeout(new AbortController(), clock, 5),
    'withTimeout: the parent is an AbortController; pass fromSignal of its property signal',
  ],
  [() => js.withoutCancel(null), 'withoutCancel: the parent is null; pass background if there is none'],
  [
    () => js.withValue(background, 'user', 1),
    'withValue: the key is "user"; pass one made with new ContextKey(name)',
  ],
  [() => js.afterFunc(background, working), `afterFunc: the task is a promise; ${A_TASK}`],
  [() => js.fromSignal(), 'fromSignal: the signal is undefined; pass background instead if there is none'],
  [() => js.fromSignal(background), 'fromSignal: the signal is an EndlessContext; pass its property signal'],
  [() => new js.Scope(null), 'Scope: the parent is null; pass background if there is none'],
  [() => new js.Scope({ signal }), 'Scope: the parent is an object; pass fromSignal of its property signal'],
  [() => new js.ErrGroup(work), 'ErrGroup: the parent is the function work; pass a Context'],
  [() => js.detach(working), `detach: the task is a promise; ${A_TASK}`],
  [() => scope.go(working as never), `Scope.go: the task is a promise; ${A_TASK}`],
  [() => scope.go('name' as never), 'Scope.go: the task is "name"; pass a function'],
  [() => new js.WaitGroup().go(working), `WaitGroup.go: the task is a promise; ${A_TASK}`],
  [() => new js.ErrGroup().go(working), `ErrGroup.go: the task is a promise; ${A_TASK}`],
  [() => new js.ErrGroup().tryGo(), 'ErrGroup.tryGo: the task is undefined; pass a function'],
  [() => js.once(working), `once: the work is a promise; ${A_TASK}`],
  [() => new js.SingleFlight().run('key', working), `SingleFlight.run: the work is a promise; ${A_TASK}`],
  [() => clock.schedule(5, undefined as never), 'schedule: the callback is undefined; pass a function'],
  [() => js.seededRandom(1).fork(5), 'fork: the label is 5; pass a string'],
  [() => new js.RateLimiter(), 'RateLimiter: the options are undefined; pass { clock, perSecond, burst }'],
  [() => new js.Channel(1).sendMany(new Set([1])), 'sendMany: values is a Set; pass an array'],
  [() => new js.Channel(1).sendMany([1], undefined, 5), 'sendMany: the progress is 5; pass { sent: 0 }'],
]

const A_CHANNEL = 'pass a channel to receive from'
const options = { capacity: 1, whenFull: 'fail' }
const emitter = new EventEmitter()

const flows: readonly Row[] = [
  [() => js.merge(channel), 'merge: the scope is a Channel; pass a Scope'],
  [() => js.merge(scope, channel), 'merge: inputs is a Channel; pass an array of channels'],
  [() => js.merge(scope, [channel, undefined]), `merge: inputs[1] is undefined; ${A_CHANNEL}`],
  [() => js.bridge(scope), `bridge: the input is undefined; ${A_CHANNEL}`],
  [() => js.orDone(scope, channel), 'orDone: the signal is undefined; pass an AbortSignal, or leave it out'],
  [() => js.tee(scope, [1, 2]), 'broadcast: the input is an array; pass a channel: fromIterable makes one'],
  [() => js.fanOut(channel, scope, 2), 'fanOut: the scope is a Channel; pass a Scope'],
  [
    () => js.fanOut(scope, channel, 2, { order: 'firstfree' }),
    'fanOut: order is "firstfree"; pass "inTurn" or "firstFree"',
  ],
  [() => js.partition(scope, channel, 2), 'partition: keyOf is undefined; pass a function'],
  [() => js.workerPool(scope, channel, 2), 'workerPool: work is undefined; pass a function'],
  [() => js.parallelMap(scope, working, 2, work), `parallelMap: the input is a promise; ${A_CHANNEL}`],
  [() => js.stage(scope, channel.sendOnly(), work), `stage: the input is a SendOnly; ${A_CHANNEL}`],
  [() => js.batch(scope, channel), 'batch: the options are undefined; pass { size, withinMs, clock }'],
  [() => js.debounce(scope, channel, 5), 'debounce: the options are 5; pass { quietMs, clock }'],
  [
    () => js.buffer(scope, channel, { capacity: 1, whenFull: 'drop' }),
    'buffer: whenFull is "drop"; pass "wait" or "dropOldest" or "dropNewest" or "fail"',
  ],
  [
    () => js.fromEvents(scope, emitter, 'x', (x: unknown) => x, { capacity: 1, whenFull: 'wait' }),
    'fromEvents: whenFull is "wait"; pass "dropOldest" or "dropNewest" or "fail"',
  ],
  [() => js.fromEvents(scope, emitter, 'x', options), 'fromEvents: pick is an object; pass a function'],
  [
    () => js.fromEvents(scope, new EventTarget(), 'x', work, options),
    'fromEvents: the emitter is an EventTarget; pass an EventEmitter',
  ],
  [
    () => js.pipeToEmitter(scope, channel, undefined, 'x'),
    'pipeToEmitter: the emitter is undefined; pass an EventEmitter',
  ],
  [
    () => js.closedSignal(scope, [1]),
    'closedSignal: the input is an array; pass a channel: fromIterable makes one',
  ],
  [
    () => js.fromIterable(scope, working),
    'fromIterable: the source is a promise; pass an iterable, such as an array or what a generator returns',
  ],
  [
    () => js.fromNodeReadable(scope, new ReadableStream()),
    'fromNodeReadable: the stream is a ReadableStream; pass a Readable of Node; for a ReadableStream there is fromWebReadable',
  ],
  [
    () => js.pipeToNodeWritable(scope, channel, new WritableStream()),
    'pipeToNodeWritable: the stream is a WritableStream; pass a Writable of Node; for a WritableStream there is pipeToWebWritable',
  ],
  [
    () => js.fromWebReadable(scope, new PassThrough()),
    'fromWebReadable: the stream is a PassThrough; pass a ReadableStream; for a Readable of Node there is fromNodeReadable',
  ],
  [
    () => js.pipeToWebWritable(scope, channel, new PassThrough()),
    'pipeToWebWritable: the stream is a PassThrough; pass a WritableStream; for a Writable of Node there is pipeToNodeWritable',
  ],
  [() => js.toWebReadable(scope), `toWebReadable: the input is undefined; ${A_CHANNEL}`],
  [
    () => js.toWebWritable(scope, channel.receiveOnly()),
    'toWebWritable: the output is a ReceiveOnly; pass a channel to send to',
  ],
]

describe('an argument of the wrong type from plain JavaScript', () => {
  test.each(numbers.map(([call, message]) => ({ call, message })))('$message', async ({ call, message }) => {
    await expect(async () => call()).rejects.toThrow(new RangeError(message))
  })

  test.each([...kinds, ...flows].map(([call, message]) => ({ call, message })))(
    '$message',
    async ({ call, message }) => {
      await expect(async () => call()).rejects.toThrow(new TypeError(message))
    },
  )

  test('starts no task', async () => {
    await scope.wait()
    expect([channel.length, scope.errors]).toEqual([0, []])
  })
})

describe("a user function's result of the wrong type", () => {
  async function outcome(pattern: (scope: api.Scope, input: api.Channel<unknown>) => unknown): Promise<void> {
    await using own = new api.Scope()
    const input = new api.Channel<unknown>(1)
    input.trySend({})
    pattern(own, input)
    await own.wait()
  }

  test.each([
    [
      (own: api.Scope, input: api.Channel<unknown>) => js.stage(own, input, async () => 5),
      'stage: the result of transform is a promise; pass an async generator: async function* (values) { ... }',
    ],
    [
      (own: api.Scope, input: api.Channel<unknown>) => js.partition(own, input, 2, (value: unknown) => value),
      'partition: the key of a value is an object; pass a string, number, bigint or boolean',
    ],
    [
      (own: api.Scope, input: api.Channel<unknown>) => js.bridge(own, input),
      'bridge: the received value is an object; pass a channel to receive from',
    ],
  ] as const)('fails the scope: %#', async (pattern, message) => {
    await expect(outcome(pattern)).rejects.toThrow(new TypeError(message))
  })
})

test('a value is described by its type', () => {
  class Owl {}
  const plain: unknown = Object.create(null)
  const given = [
    'a"b',
    5n,
    undefined,
    null,
    NaN,
    Symbol('x'),
    {},
    plain,
    new Owl(),
    new Map(),
    [],
    working,
    () => 1,
  ]
  expect([...given.map(shown), shown(work), shown(Owl)]).toEqual([
    '"a\\"b"',
    '5n',
    'undefined',
    'null',
    'NaN',
    'Symbol(x)',
    'an object',
    'an object',
    'an Owl',
    'a Map',
    'an array',
    'a promise',
    'a function',
    'the function work',
    'the function Owl',
  ])
})
