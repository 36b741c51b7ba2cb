import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { everySchedule } from '../../test/every-schedule.ts'
import { settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { fromIterable } from '../convert/iterable.ts'
import { Scope } from '../task/scope.ts'
import { ManualClock } from '@millrace/world'
import { buffer } from './buffer.ts'
import { bridge, merge, orDone } from './fan-in.ts'
import { broadcast, fanOut, partition, tee } from './fan-out.ts'
import { OverflowError } from './overflow.ts'
import { batch, debounce, throttle } from './pace.ts'
import { parallelMap, stage, workerPool } from './stage.ts'

// The table of the README, a row per pattern and a test per cell.

const broken = new Error('broken')

/** The input of a row's tests. A user's function of the pattern fails on the value -1. */
interface Given {
  readonly scope: Scope
  readonly input: ReceiveChannel<number>
  readonly clock: ManualClock
}

interface Row {
  readonly name: string
  readonly cells: readonly [onClose: string, onError: string, onSlow: string, onCancel: string]
  readonly start: (given: Given) => readonly ReceiveChannel<unknown>[]
  /** The output for 1, 2, 3, 4, 5 and close. */
  readonly drained: readonly (readonly unknown[])[]
  /** How many values it receives without a reader; Infinity when it never stops. */
  readonly held: number
  readonly hasUserFunction?: true
  /** Values arrive as they are ready; `drained` is sorted. */
  readonly isUnordered?: true
}

const fails = 'the scope fails, the outputs reject'
const cancels = 'ends; the outputs reject'

function unlessBroken<T>(result: T, value: number): T {
  if (value === -1) throw broken
  return result
}

const rows: readonly Row[] = [
  {
    name: '`merge`',
    cells: ['closes when all inputs are drained', fails, 'waits; holds one value per input', cancels],
    start: ({ scope, input }) => [merge(scope, [input])],
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
  },
  {
    name: '`bridge`',
    cells: ['closes after the last inner channel', fails, 'waits; holds one value', cancels],
    start: ({ scope, input }) => [bridge(scope, fromIterable(scope, [input]))],
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
  },
  {
    name: '`orDone`',
    cells: ['closes; also when `done` aborts', fails, 'waits; holds one value', cancels],
    start: ({ scope, input }) => [orDone(scope, input, new AbortController().signal)],
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
  },
  {
    name: '`fanOut`, in turn',
    cells: ['closes all outputs', fails, 'waits for the one whose turn it is; holds one value', cancels],
    start: ({ scope, input }) => fanOut(scope, input, 2),
    drained: [
      [1, 3, 5],
      [2, 4],
    ],
    held: 1,
  },
  {
    name: '`fanOut`, first free',
    cells: ['closes all outputs', fails, 'waits while all are slow; holds one value', cancels],
    start: ({ scope, input }) => fanOut(scope, input, 1, { order: 'firstFree' }),
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
  },
  {
    name: '`broadcast`',
    cells: ['closes all outputs', fails, 'waits for the slowest; holds one value', cancels],
    start: ({ scope, input }) => broadcast(scope, input, 3),
    drained: [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ],
    held: 1,
  },
  {
    name: '`tee`',
    cells: ['closes both outputs', fails, 'waits for the slower; holds one value', cancels],
    start: ({ scope, input }) => tee(scope, input),
    drained: [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ],
    held: 1,
  },
  {
    name: '`partition`',
    cells: ['closes all outputs', fails, 'waits for the one whose key it is; holds one value', cancels],
    start: ({ scope, input }) => partition(scope, input, 1, (n) => unlessBroken(n % 2, n)),
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
    hasUserFunction: true,
  },
  {
    name: '`parallelMap`',
    cells: ['closes after the last result', fails, 'waits; holds `limit` values', cancels],
    start: ({ scope, input }) => [parallelMap(scope, input, 3, (n) => unlessBroken(n * 10, n))],
    drained: [[10, 20, 30, 40, 50]],
    held: 3,
    hasUserFunction: true,
  },
  {
    name: '`workerPool`',
    cells: ['closes after the last result', fails, 'waits; holds one value per worker', cancels],
    start: ({ scope, input }) => [workerPool(scope, input, 3, (n) => unlessBroken(n * 10, n))],
    drained: [[10, 20, 30, 40, 50]],
    held: 3,
    hasUserFunction: true,
    isUnordered: true,
  },
  {
    name: '`stage`',
    cells: ['closes when the generator returns', fails, 'waits; holds what the generator holds', cancels],
    start: ({ scope, input }) => [
      stage(scope, input, async function* (values) {
        for await (const n of values) yield unlessBroken(n + 1, n)
      }),
    ],
    drained: [[2, 3, 4, 5, 6]],
    held: 1,
    hasUserFunction: true,
  },
  {
    name: '`batch`',
    cells: ['sends the last batch, closes', fails, 'waits; holds one batch', cancels],
    start: ({ scope, input, clock }) => [batch(scope, input, { size: 3, withinMs: 10, clock })],
    drained: [
      [
        [1, 2, 3],
        [4, 5],
      ],
    ],
    held: 3,
  },
  {
    name: '`throttle`',
    cells: ['sends the value it holds in its time, closes', fails, 'waits; holds one value', cancels],
    start: ({ scope, input, clock }) => [throttle(scope, input, { everyMs: 10, clock })],
    drained: [[1, 2, 3, 4, 5]],
    held: 1,
  },
  {
    name: '`debounce`',
    cells: [
      'sends the last value at once, closes',
      fails,
      'a newer value takes the place of the one held',
      cancels,
    ],
    start: ({ scope, input, clock }) => [debounce(scope, input, { quietMs: 10, clock })],
    drained: [[5]],
    held: Infinity,
  },
  {
    name: '`buffer`, `wait`',
    cells: ['sends what it holds, closes', fails, 'waits; holds `capacity` values and one', cancels],
    start: ({ scope, input }) => [buffer(scope, input, { capacity: 2, whenFull: 'wait' })],
    drained: [[1, 2, 3, 4, 5]],
    held: 3,
  },
  ...(['dropOldest', 'dropNewest'] as const).map((whenFull): Row => ({
    name: `\`buffer\`, \`${whenFull}\``,
    cells: [
      'sends what it holds, closes',
      fails,
      `drops the ${whenFull === 'dropOldest' ? 'oldest' : 'newest'} value, counts it in \`dropped\``,
      cancels,
    ],
    start: ({ scope, input }) => [buffer(scope, input, { capacity: 5, whenFull })],
    drained: [[1, 2, 3, 4, 5]],
    held: Infinity,
  })),
  {
    name: '`buffer`, `fail`',
    cells: ['sends what it holds, closes', fails, 'the scope fails with `OverflowError`', cancels],
    start: ({ scope, input }) => [buffer(scope, input, { capacity: 5, whenFull: 'fail' })],
    drained: [[1, 2, 3, 4, 5]],
    // The one without space is the last it receives.
    held: 6,
  },
]

/** Receives until the channel is closed, while time advances. */
async function drain(clock: ManualClock, outputs: readonly ReceiveChannel<unknown>[]): Promise<unknown[][]> {
  let draining = outputs.length
  const drained = Promise.all(
    outputs.map(async (output) => {
      const values: unknown[] = []
      for await (const value of output) values.push(value)
      draining--
      return values
    }),
  )
  while (draining > 0) await clock.advance(5)
  return drained
}

/** Sends values until none is received any more, or 50 were. */
async function sendUntilRefused(input: Channel<number>): Promise<number> {
  for (const n of upTo(50)) {
    await settle()
    if (!input.trySend(n)) return n
  }
  return Infinity
}

/** An input that fails, like the output of a pattern in another scope. */
async function brokenInput(): Promise<ReceiveChannel<number>> {
  const elsewhere = new Scope()
  const input = stage<number, number>(elsewhere, new Channel<number>(), () => {
    throw broken
  })
  await elsewhere.wait().catch(() => undefined)
  return input
}

async function expectFailure(scope: Scope, outputs: readonly ReceiveChannel<unknown>[]): Promise<void> {
  await expect(scope.wait()).rejects.toBe(broken)
  expect(scope.errors).toEqual([broken])
  for (const output of outputs) await expect(output.receive()).rejects.toBe(broken)
}

async function expectNothingLeft(
  { scope, input, clock }: { scope: Scope; input: Channel<number>; clock: ManualClock },
  outputs: readonly ReceiveChannel<unknown>[],
): Promise<void> {
  await expect(scope.wait()).rejects.toBe(broken)
  expect(scope.errors).toEqual([])
  for (const output of outputs) {
    await expect(output.receive()).rejects.toBe(broken)
    expect(() => output.tryReceive()).toThrow(broken)
  }
  // Nothing is left: no waiter at the input, no timer, no listener of the signal.
  expect(input.trySend(2)).toBe(false)
  expect(clock.pending).toBe(0)
  expect(getEventListeners(scope.signal, 'abort')).toEqual([])
}

describe.each(rows)('$name', ({ start, drained, held, cells, isUnordered }) => {
  everySchedule(`on close of input: ${cells[0]}`, async () => {
    await using scope = new Scope()
    const [input, clock] = [new Channel<number>(5), new ManualClock()]
    const outputs = start({ scope, input, clock })
    for (const n of upTo(5)) await input.send(n + 1)
    input.close()
    const received = await drain(clock, outputs)
    expect(
      isUnordered ? received.map((values) => values.toSorted((a, b) => Number(a) - Number(b))) : received,
    ).toEqual(drained)
    await scope.wait()
    expect(clock.pending).toBe(0)
  })

  everySchedule(`on error: ${cells[1]}`, async () => {
    const scope = new Scope()
    const outputs = start({ scope, input: await brokenInput(), clock: new ManualClock() })
    await expectFailure(scope, outputs)
  })

  everySchedule(`on a slow consumer: ${cells[2]}`, async () => {
    const scope = new Scope()
    const input = new Channel<number>()
    start({ scope, input, clock: new ManualClock() })
    expect(await sendUntilRefused(input)).toBe(held)
    scope.cancel()
    const overflows = cells[2].includes('OverflowError')
    if (overflows) await expect(scope.wait()).rejects.toBeInstanceOf(OverflowError)
    else await scope.wait().catch(() => undefined)
    expect(scope.errors).toHaveLength(overflows ? 1 : 0)
  })

  everySchedule(`on cancel before the first value: ${cells[3]}`, async () => {
    const scope = new Scope()
    const [input, clock] = [new Channel<number>(), new ManualClock()]
    const outputs = start({ scope, input, clock })
    const waiting = outputs.map((output) => expect(output.receive()).rejects.toBe(broken))
    await settle()
    scope.cancel(broken)
    await Promise.all(waiting)
    await expectNothingLeft({ scope, input, clock }, outputs)
  })

  everySchedule(`on cancel with a value in transit: ${cells[3]}`, async () => {
    const scope = new Scope()
    const [input, clock] = [new Channel<number>(), new ManualClock()]
    const outputs = start({ scope, input, clock })
    await input.send(1)
    await settle()
    scope.cancel(broken)
    await expectNothingLeft({ scope, input, clock }, outputs)
  })
})

for (const { name, start } of rows.filter(({ hasUserFunction }) => hasUserFunction)) {
  everySchedule(`${name}: when the user's function throws, the scope fails, the outputs reject`, async () => {
    const scope = new Scope()
    const input = new Channel<number>(1)
    const outputs = start({ scope, input, clock: new ManualClock() })
    await input.send(-1)
    await expectFailure(scope, outputs)
  })
}

test('the table of the README has exactly these rows', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const table = /\| pattern \| on close[^]*?\n\n/.exec(readme)?.[0] ?? ''
  const cellsOf = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  expect(table.trim().split('\n').slice(2).map(cellsOf)).toEqual(
    rows.map(({ name, cells }) => [name, ...cells]),
  )
})
