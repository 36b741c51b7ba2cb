import type {
  Collector,
  Operator,
  OperatorContext,
  StreamRecord,
  Timer,
  ValueState,
} from '@millrace/core/operator'
import { describe, expect, test } from 'vitest'
import { operatorHarness } from './operator-harness.ts'
import { at, clock, operatorLives, watermark } from './operator-lives.ts'

interface Sale {
  readonly shop: string
  readonly amount: number
}

const keyBy = (sale: Sale) => sale.shop

/** A running total per shop; what may go wrong is left to the tests. */
class RunningTotal implements Operator<Sale, unknown> {
  protected total!: ValueState<{ sum: number }>

  open(context: OperatorContext): void {
    this.total = context.value({ name: 'total' })
  }

  process({ value }: StreamRecord<Sale>, out: Collector<unknown>): void {
    const total = this.total.get() ?? { sum: 0 }
    total.sum += value.amount
    this.keep(total)
    out.emit(total.sum)
  }

  protected keep(total: { sum: number }): void {
    this.total.set(total)
  }
}

/** Emits what came for each shop since its last timer, ten milliseconds after the first of it. */
class Batcher implements Operator<Sale, unknown> {
  protected context!: OperatorContext
  protected waiting!: ValueState<number>

  open(context: OperatorContext): void {
    this.context = context
    this.waiting = context.value({ name: 'waiting' })
  }

  process({ value, time }: StreamRecord<Sale>): void {
    if (this.waiting.get() === undefined) this.context.timers.setEvent(time + 10)
    this.waiting.set((this.waiting.get() ?? 0) + value.amount)
  }

  onTimer(timer: Timer, out: Collector<unknown>): void {
    out.emit({ shop: timer.key, amount: this.waiting.get() })
    this.waiting.clear()
  }
}

const sales = [
  at(1, { shop: 'a', amount: 1 }),
  at(2, { shop: 'b', amount: 2 }),
  watermark(5),
  at(6, { shop: 'a', amount: 4 }),
  watermark(11),
  at(12, { shop: 'c', amount: 8 }),
]

describe('the harness', () => {
  test('passes records to the operator and collects what it emits', () => {
    const harness = operatorHarness(() => new RunningTotal(), { keyBy })
    harness.record({ shop: 'a', amount: 2 }, 1000)
    harness.snapshotAndRestore()
    harness.record({ shop: 'a', amount: 3 }, 2000)
    expect(harness.outputs).toEqual([
      { value: 2, time: 1000 },
      { value: 5, time: 2000 },
    ])
    expect(harness.cells()).toEqual({ '#timers': 0, total: 1 })
  })

  test('fires event timers when the watermark reaches them', () => {
    const harness = operatorHarness(() => new Batcher(), { keyBy })
    harness.record({ shop: 'a', amount: 2 }, 0)
    harness.watermark(9)
    expect(harness.outputs).toEqual([])
    expect(harness.cells()).toEqual({ '#timers': 1, waiting: 1 })
    harness.watermark(10)
    expect(harness.outputs).toEqual([{ value: { shop: 'a', amount: 2 }, time: 10 }])
    expect(harness.cells()).toEqual({ '#timers': 0, waiting: 0 })
  })

  test('reports a record that is changed after it was passed or emitted', () => {
    const taken: { sum: number }[] = []
    const changing: Operator<Sale, unknown> = {
      process({ value }, out) {
        if (value.amount < 0) (value as { amount: number }).amount = 0
        taken.push({ sum: value.amount })
        out.emit(taken.at(-1))
        if (taken.length > 1) taken[0]!.sum++
      },
    }
    const refused = expect.objectContaining({ code: 'RECORD_MUTATED' })
    const harness = operatorHarness(() => changing, { onError: 'skip' })
    expect(() => harness.record({ shop: 'a', amount: -1 })).toThrow(refused)
    harness.record({ shop: 'a', amount: 1 })
    expect(() => harness.record({ shop: 'a', amount: 2 })).toThrow(refused)
  })

  test('EN-187 reports state that is changed in place without set, with operator and state', () => {
    class Forgetful extends RunningTotal {
      #isFirst = true
      protected override keep(total: { sum: number }): void {
        if (this.#isFirst) this.total.set(total)
        this.#isFirst = false
      }
    }
    const harness = operatorHarness(() => new Forgetful(), { keyBy, name: 'totals' })
    harness.record({ shop: 'a', amount: 1 }, 0)
    expect(() => harness.record({ shop: 'a', amount: 1 }, 0)).toThrow(
      /operator 'totals' changed state 'total' of key "a" in place/,
    )
  })

  test('applies the error policy when the operator throws', () => {
    class Picky extends RunningTotal {
      protected override keep(total: { sum: number }): void {
        if (total.sum < 0) throw new Error('in the red')
        super.keep({ ...total })
      }
    }
    const create = () => new Picky()
    const letters = operatorHarness(create, { keyBy, onError: 'deadLetter' })
    letters.record({ shop: 'a', amount: -1 }, 7)
    expect(letters.side('errors')).toMatchObject([{ time: 7, value: { message: 'in the red' } }])
    expect(letters.counted('deadLettered')).toBe(1)
    expect(() => operatorHarness(create, { keyBy }).record({ shop: 'a', amount: -1 })).toThrow(/in the red/)
  })

  test('runs an operator without keys, with a clock that the test advances', () => {
    const harness = operatorHarness<number>(() => {
      let context: OperatorContext
      return { open: (given) => void (context = given), process: (_, out) => out.emit(context.now()) }
    })
    harness.processingTime(42)
    harness.record(1)
    expect(harness.outputs).toEqual([{ value: 42, time: Number.NaN }])
  })
})

describe('an operator in restarts and at other parallelisms', () => {
  test('has the same results in all of them', () => {
    const { outputs } = operatorLives({
      create: () => new Batcher(),
      keyBy,
      input: [...sales, clock(100)],
      isOrderFree: true,
    })
    expect(outputs).toEqual([
      { value: { shop: 'a', amount: 5 }, time: 11 },
      { value: { shop: 'b', amount: 2 }, time: 12 },
      { value: { shop: 'c', amount: 8 }, time: 22 },
    ])
  })

  test('state that remains is reported unless it is announced', () => {
    const create = () => new RunningTotal()
    expect(() => operatorLives({ create, keyBy, input: sales })).toThrow(/left cells behind: 3 in total/)
    expect(operatorLives({ create, keyBy, input: sales, keepsState: true }).outputs).toHaveLength(4)
  })

  test('an operator that keeps data outside its state is reported', () => {
    class Hoarder extends RunningTotal {
      #n = 0
      override process(record: StreamRecord<Sale>, out: Collector<unknown>): void {
        out.emit(++this.#n)
      }
    }
    const create = () => new Hoarder()
    expect(() => operatorLives({ create, keyBy, input: sales })).toThrow(/life 'restored after each step'/)
  })

  test('an operator that depends on the order of arrival is reported', () => {
    const create = () => new RunningTotal()
    const input = [
      at(1, { shop: 'a', amount: 1 }),
      at(1, { shop: 'a', amount: 2 }),
      at(1, { shop: 'a', amount: 4 }),
    ]
    expect(() => operatorLives({ create, keyBy, input, keepsState: true, isOrderFree: true })).toThrow(
      /life 'shuffled'/,
    )
  })
})
