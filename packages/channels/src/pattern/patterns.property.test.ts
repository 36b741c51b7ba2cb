import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { Scope } from '../task/scope.ts'
import { ManualClock, microtaskScheduler, seededRandom } from '@millrace/world'
import { buffer } from './buffer.ts'
import { bridge, merge, orDone } from './fan-in.ts'
import { broadcast, fanOut, partition } from './fan-out.ts'
import { batch, debounce, throttle } from './pace.ts'
import { parallelMap, stage, workerPool } from './stage.ts'

/** The pauses of senders, receivers and workers, used in turn. */
class Paces {
  readonly #pauses: readonly number[]
  #taken = 0

  constructor(pauses: readonly number[]) {
    this.#pauses = pauses
  }

  async pause(): Promise<void> {
    const turns = this.#pauses[this.#taken++ % this.#pauses.length] ?? 0
    for (const _ of upTo(turns)) await Promise.resolve()
  }
}

interface Given {
  readonly scope: Scope
  readonly paces: Paces
  readonly inputs: readonly ReceiveChannel<number>[]
  readonly clock: ManualClock
}

/** Sends each list through its own input, and returns the values of each output. */
async function run<T>(
  lists: readonly (readonly number[])[],
  pauses: readonly number[],
  start: (given: Given) => readonly ReceiveChannel<T>[],
): Promise<T[][]> {
  await using scope = new Scope()
  const paces = new Paces(pauses)
  const inputs = lists.map((list, index) => {
    const input = new Channel<number>(index % 3)
    scope.go(async (signal) => {
      for (const value of list) {
        await paces.pause()
        await input.send(value, signal)
      }
      input.close()
    })
    return input
  })
  const clock = new ManualClock(0, microtaskScheduler)
  let draining = true
  const received = start({ scope, paces, inputs, clock }).map(async (output) => {
    const values: T[] = []
    for await (const value of output) {
      await paces.pause()
      values.push(value)
    }
    return values
  })
  const all = Promise.all(received).finally(() => (draining = false))
  while (draining) await clock.advance(1)
  await scope.wait()
  return await all
}

const someLists = fc.array(fc.array(fc.integer(), { maxLength: 20 }), { minLength: 1, maxLength: 4 })
const somePauses = fc.array(fc.nat(6), { minLength: 1, maxLength: 12 })

/** Distinct numbers 0, 1, 2, ... */
const someNumbers = fc.nat(40).map(upTo)

async function law(
  check: (numbers: number[], pauses: number[]) => Promise<void>,
  numRuns = 100,
): Promise<void> {
  await fc.assert(fc.asyncProperty(someNumbers, somePauses, check), { numRuns })
}

function ascending(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}

describe('no value is lost or duplicated', () => {
  test('by merge, which keeps the order of each input', async () => {
    await fc.assert(
      fc.asyncProperty(someLists, somePauses, async (lists, pauses) => {
        const tagged = lists.map((list, source) => list.map((_, index) => source * 1_000 + index))
        const [merged] = await run(tagged, pauses, ({ scope, inputs }) => [merge(scope, inputs)])
        for (const [source, list] of tagged.entries()) {
          expect(merged!.filter((value) => Math.floor(value / 1_000) === source)).toEqual(list)
        }
        expect(merged).toHaveLength(tagged.flat().length)
      }),
    )
  })

  test('by bridge, which keeps the order of all', async () => {
    await fc.assert(
      fc.asyncProperty(someLists, somePauses, async (lists, pauses) => {
        const bridged = await run(lists, pauses, ({ scope, inputs }) => {
          const channels = new Channel<ReceiveChannel<number>>(inputs.length)
          for (const input of inputs) channels.trySend(input)
          channels.close()
          return [bridge(scope, channels)]
        })
        expect(bridged).toEqual([lists.flat()])
      }),
    )
  })

  test.each(['inTurn', 'firstFree'] as const)('by fanOut %s, which keeps the order of each output', (order) =>
    law(async (numbers, pauses) => {
      const outputs = await run([numbers], pauses, ({ scope, inputs }) =>
        fanOut(scope, inputs[0]!, 3, { order, random: seededRandom(7) }),
      )
      for (const output of outputs) expect(output).toEqual(ascending(output))
      expect(ascending(outputs.flat())).toEqual(numbers)
      if (order === 'inTurn') expect(outputs[1]).toEqual(numbers.filter((n) => n % 3 === 1))
    }),
  )

  test('by partition, which keeps a key in one output and in order', () =>
    law(async (numbers, pauses) => {
      const outputs = await run([numbers], pauses, ({ scope, inputs }) =>
        partition(scope, inputs[0]!, 4, (n) => n % 7),
      )
      for (const output of outputs) expect(output).toEqual(ascending(output))
      expect(ascending(outputs.flat())).toEqual(numbers)
      const keys = outputs.map((output) => new Set(output.map((n) => n % 7)))
      expect(keys.reduce((sum, { size }) => sum + size, 0)).toBe(Math.min(numbers.length, 7))
    }))

  test('by broadcast, which delivers all values to every output in order', () =>
    law(async (numbers, pauses) => {
      const outputs = await run([numbers], pauses, ({ scope, inputs }) => broadcast(scope, inputs[0]!, 3))
      expect(outputs).toEqual([numbers, numbers, numbers])
    }))

  test('by workerPool, in any order', () =>
    law(async (numbers, pauses) => {
      const [results] = await run([numbers], pauses, ({ scope, inputs, paces }) => [
        workerPool(scope, inputs[0]!, 3, async (n) => {
          await paces.pause()
          return n * 2
        }),
      ])
      expect(ascending(results!)).toEqual(numbers.map((n) => n * 2))
    }))

  test('by parallelMap, which keeps the order and the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        someNumbers,
        somePauses,
        fc.integer({ min: 1, max: 5 }),
        async (numbers, pauses, limit) => {
          let [underWay, most] = [0, 0]
          const results = await run([numbers], pauses, ({ scope, inputs, paces }) => [
            parallelMap(scope, inputs[0]!, limit, async (n) => {
              most = Math.max(most, ++underWay)
              await paces.pause()
              underWay--
              return n * 2
            }),
          ])
          expect(results).toEqual([numbers.map((n) => n * 2)])
          expect(most).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  test('by stage, orDone, throttle and a waiting buffer in sequence', () =>
    law(async (numbers, pauses) => {
      const results = await run([numbers], pauses, ({ scope, inputs, clock }) => {
        const plain = stage(scope, inputs[0]!, (values) => values)
        const ending = orDone(scope, plain, new AbortController().signal)
        const slow = throttle(scope, ending, { everyMs: 1, clock })
        return [buffer(scope, slow, { capacity: 3, whenFull: 'wait' })]
      })
      expect(results).toEqual([numbers])
    }))

  test('by batch, whose batches are neither empty nor too large', async () => {
    await fc.assert(
      fc.asyncProperty(
        someNumbers,
        somePauses,
        fc.integer({ min: 1, max: 5 }),
        async (numbers, pauses, size) => {
          const [batches] = await run([numbers], pauses, ({ scope, inputs, clock }) => [
            batch(scope, throttle(scope, inputs[0]!, { everyMs: 2, clock }), { size, withinMs: 5, clock }),
          ])
          expect(batches!.flat()).toEqual(numbers)
          for (const { length } of batches!) expect(length > 0 && length <= size).toBe(true)
        },
      ),
    )
  })
})

describe('dropped values are counted', () => {
  test.each(['dropOldest', 'dropNewest'] as const)('by a buffer with %s', (whenFull) =>
    law(async (numbers, pauses) => {
      let dropped = (): number => Number.NaN
      const [received] = await run([numbers], pauses, ({ scope, inputs }) => {
        const output = buffer(scope, inputs[0]!, { capacity: 2, whenFull })
        dropped = () => output.dropped
        return [output]
      })
      expect(received).toEqual(ascending([...new Set(received)]))
      expect(received!.length + dropped()).toBe(numbers.length)
      if (whenFull === 'dropOldest') expect(received!.at(-1)).toBe(numbers.at(-1))
      else expect(received![0]).toBe(numbers[0])
    }),
  )
})

test('debounce delivers some values in order, and always the last one', () =>
  law(async (numbers, pauses) => {
    const [received] = await run([numbers], pauses, ({ scope, inputs, clock }) => [
      debounce(scope, inputs[0]!, { quietMs: 1, clock }),
    ])
    expect(received).toEqual(ascending([...new Set(received)]))
    expect(received!.at(-1)).toBe(numbers.at(-1))
  }))
