import { operatorHarness } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import type { Key } from '../record/key.ts'
import { MIN_TIME } from '../record/time.ts'
import { Chain } from './chain.ts'
import type { ChainPart } from './chain-part.ts'
import { Cursor } from './cursor.ts'
import type { Collector, Operator, OperatorContext } from './operator.ts'

/** Emits its input twice. */
const doubling: Operator<number, number> = {
  process({ value }, out) {
    out.emit(value)
    out.emit(value)
  },
}

const refusing: Operator<number, number> = {
  process({ value }, out) {
    if (value === 3) throw new Error('not 3')
    out.emit(value)
  },
}

function part(
  name: string,
  operator: Operator<number, number>,
  onError: 'fail' | 'skip',
  next: ChainPart | undefined,
): ChainPart {
  return {
    name,
    onError,
    work: { kind: 'operator', create: () => operator, keys: [] },
    targets: new Map([
      ['main', [next === undefined ? { kind: 'port', port: 0 } : { kind: 'part', part: next }]],
    ]),
  }
}

/** A chain of operators before one output. */
function chain(first: ChainPart) {
  const taken: unknown[] = []
  const counts: string[] = []
  const cursor = new Cursor()
  cursor.watermark = MIN_TIME
  const { head } = new Chain([[{ kind: 'part', part: first }]], {
    pipeline: 'test',
    subtask: 0,
    keyGroups: 128,
    cursor,
    budget: { spend: () => false },
    history: () => undefined,
    warn: () => {},
    ports: [{ receive: (value) => void taken.push(value) }],
    now: () => 0,
    table: () => {
      throw new Error('no state here')
    },
    count: (operator, metric) => void counts.push(`${operator} ${metric}`),
  })
  return { taken, counts, take: (...values: number[]) => values.forEach((value) => head.receive(value, 0)) }
}

const failedAt = (name: string): unknown =>
  expect.objectContaining({ operator: name, code: 'OPERATOR_FAILED' })

describe('an operator before another one', () => {
  test('that skips failed records keeps its effects for a record on which the other one fails', () => {
    const { take, taken, counts } = chain(
      part('first', doubling, 'skip', part('second', refusing, 'skip', undefined)),
    )
    take(1, 3, 2)
    expect(taken).toEqual([1, 1, 2, 2])
    expect(counts).toEqual(['second skipped', 'second skipped'])
  })

  test('does not apply its own policy to an error of the other one', () => {
    const { take, counts } = chain(
      part('first', doubling, 'skip', part('second', refusing, 'fail', undefined)),
    )
    expect(() => take(3)).toThrow(failedAt('second'))
    expect(counts).toEqual([])
  })

  test.each(['skip', 'fail'] as const)(
    '%s: does not keep the job running by catching an error of the other one',
    (policy) => {
      const catching: Operator<number, number> = {
        process({ value }, out) {
          try {
            out.emit(value)
          } catch {
            // The mistake under test.
          }
        },
      }
      const { take } = chain(part('first', catching, policy, part('second', refusing, 'fail', undefined)))
      take(1)
      expect(() => take(3)).toThrow(failedAt('second'))
    },
  )
})

describe('an operator that skips failed records', () => {
  const keyOf = (value: number): Key => {
    if (value === 3) throw new Error('no key for 3')
    return value === 4 ? (undefined as never) : value
  }

  test('skips a record whose key selector fails', () => {
    const harness = operatorHarness(() => doubling, { keyBy: keyOf, onError: 'skip' })
    for (const value of [1, 3, 4, 2]) harness.record(value)
    expect(harness.outputs.map(({ value }) => value)).toEqual([1, 1, 2, 2])
    expect(harness.counted('skipped')).toBe(2)
  })

  test('stops at an error in a timer, which has no record', () => {
    class Alarm implements Operator<number, number> {
      #context!: OperatorContext
      open(context: OperatorContext): void {
        this.#context = context
      }
      process(): void {
        this.#context.timers.setEvent(5)
      }
      onTimer(): void {
        throw new Error('in the timer')
      }
    }
    const harness = operatorHarness(() => new Alarm(), { keyBy: () => 'a', onError: 'skip' })
    harness.record(1, 0)
    expect(() => harness.watermark(5)).toThrow(/event timer 5 of key "a".*in the timer/)
  })

  test('stops at a promise that it returns or emits', () => {
    const later = async (): Promise<void> => {}
    const failing = async (): Promise<void> => {
      await later()
      throw new Error('later')
    }
    const asynchronous: readonly object[] = [
      { process: later },
      { process: failing },
      { process() {}, finish: later },
      { process: (_: unknown, out: Collector<unknown>) => out.emit(later()) },
    ]
    for (const operator of asynchronous) {
      const harness = operatorHarness(() => operator as Operator<number, number>, { onError: 'skip' })
      expect(() => {
        harness.record(1)
        harness.end()
      }).toThrow(expect.objectContaining({ code: 'ASYNC_FUNCTION' }))
    }
  })
})
