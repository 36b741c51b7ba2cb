import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyToken } from '../record/key-token.ts'
import type { ListState, MapState, ValueState } from '../state/handles.ts'
import type { StateTable } from '../state/state-store.ts'
import type { Collector, Operator, OperatorContext, StreamRecord, Timer } from './operator.ts'

interface Effect {
  readonly what: keyof typeof effects
  readonly n: number
}

/** The actions of one record, and whether it then fails. */
interface Work {
  readonly key: string
  readonly effects: readonly Effect[]
  readonly fails: boolean
}

/** Every call that an operator may make, with a number as argument. */
const effects = {
  emit: (all: EverythingOperator, n: number) => all.out.emit(n),
  'emit at a time': (all: EverythingOperator, n: number) => all.out.emitAt(n, n),
  'emit beside': (all: EverythingOperator, n: number) => all.side.emit(n),
  'set a value': (all: EverythingOperator, n: number) => all.value.set({ numbers: [n] }),
  'change a value in place and set it': (all: EverythingOperator, n: number) => {
    const value = all.value.get() ?? { numbers: [] }
    value.numbers.push(n)
    all.value.set(value)
  },
  'clear a value': (all: EverythingOperator) => all.value.clear(),
  'add to a list': (all: EverythingOperator, n: number) => all.list.add(n),
  'emit a list': (all: EverythingOperator) => all.out.emit(all.list.get()),
  'set a list': (all: EverythingOperator, n: number) => all.list.set([n, n]),
  'clear a list': (all: EverythingOperator) => all.list.clear(),
  'set an entry': (all: EverythingOperator, n: number) => all.map.set(n, { n }),
  'change an entry in place and set it': (all: EverythingOperator, n: number) => {
    const entry = all.map.get(n)
    if (entry === undefined) return
    entry.n++
    all.map.set(n, entry)
  },
  'delete an entry': (all: EverythingOperator, n: number) => all.map.delete(n),
  'move every entry to the end': (all: EverythingOperator) => {
    for (const [name, entry] of all.map.entries()) {
      all.map.delete(name)
      all.map.set(name, { n: entry.n + 1 })
    }
  },
  'clear the entries': (all: EverythingOperator) => all.map.clear(),
  'read all': (all: EverythingOperator) => all.read(),
  'make a cell': (all: EverythingOperator, n: number) => {
    if (all.table.find(n % 2, n) === undefined) all.table.create(n % 2, n, all.context.keyGroup(), [n])
  },
  'change cells in place': (all: EverythingOperator, n: number) => {
    for (const cell of all.table.cells(n % 2)) {
      cell.value.push(n)
      all.table.changed(cell)
    }
  },
  'delete a cell': (all: EverythingOperator, n: number) => {
    const cell = all.table.find(n % 2, n)
    if (cell !== undefined) all.table.delete(cell)
  },
  'delete cells': (all: EverythingOperator, n: number) => all.table.deleteOuter(n % 2),
  'set a timer': (all: EverythingOperator, n: number) => all.context.timers.setEvent(n, 'x'),
  'delete a timer': (all: EverythingOperator, n: number) => all.context.timers.deleteEvent(n, 'x'),
  'set a processing timer': (all: EverythingOperator, n: number) => all.context.timers.setProcessing(n),
  'delete a processing timer': (all: EverythingOperator, n: number) => all.context.timers.deleteProcessing(n),
  'set a sweep': (all: EverythingOperator, n: number) =>
    all.context.timers.setSweep(n, 'sweep', () => [...all.table.cells(n % 2)]),
  count: (all: EverythingOperator, n: number) => all.context.count('late', n),
} as const

/** Performs the actions of its records. */
class EverythingOperator implements Operator<Work, unknown> {
  context!: OperatorContext
  value!: ValueState<{ numbers: number[] }>
  list!: ListState<number>
  map!: MapState<number, { n: number }>
  table!: StateTable<number[]>
  side!: Collector<unknown>
  out!: Collector<unknown>

  open(context: OperatorContext): void {
    this.context = context
    this.value = context.value({ name: 'value' })
    this.list = context.list({ name: 'list' })
    this.map = context.map({ name: 'map' })
    this.table = context.table({ name: 'table' })
    this.side = context.output('side')
  }

  process({ value }: StreamRecord<Work>, out: Collector<unknown>): void {
    this.out = out
    for (const { what, n } of value.effects) effects[what](this, n)
    if (!value.fails) return
    this.spoil()
    throw new Error('after all of that')
  }

  /** Changes everything in place without calling set. */
  spoil(): void {
    this.value.get()?.numbers.push(-1)
    for (const [, entry] of this.map.entries()) entry.n = -1
    for (const outer of this.table.outers()) for (const { value } of this.table.cells(outer)) value.push(-1)
  }

  onTimer({ time, name, domain, key }: Timer, out: Collector<unknown>): void {
    out.emit(`${domain} timer ${name} of ${String(keyToken(key))} at ${time}`)
  }

  /** Emits all state of the key, in the order of iteration. */
  read(): void {
    const cells = [...this.table.outers()].map((outer) => [
      outer,
      this.table.count(outer),
      [...this.table.cells(outer)].map(({ inner, value }) => [inner, ...value]),
    ])
    this.out.emit(
      structuredClone({
        value: this.value.get(),
        list: this.list.get(),
        map: [...this.map.entries()],
        size: this.map.size,
        cells,
        all: this.table.size,
      }),
    )
  }
}

const effect = fc.record({
  what: fc.constantFrom(...(Object.keys(effects) as (keyof typeof effects)[])),
  n: fc.integer({ min: 0, max: 5 }),
})
const work = fc.record({
  key: fc.constantFrom('a', 'b'),
  effects: fc.array(effect, { maxLength: 8 }),
  fails: fc.boolean(),
})
const restart = fc.constant('restart' as const)

function harness(onError: 'fail' | 'skip' | 'deadLetter'): OperatorHarness<Work> {
  return operatorHarness<Work>(() => new EverythingOperator(), {
    keyBy: ({ key }) => key,
    outputs: ['side'],
    onError,
  })
}

/** All observable state of an operator at its end. */
function seen(running: OperatorHarness<Work>): object {
  const cells = running.cells()
  for (const key of ['a', 'b']) running.record({ key, effects: [{ what: 'read all', n: 0 }], fails: false })
  running.watermark(10)
  running.processingTime(10)
  running.end()
  const emitted = running.emitted.filter(({ output }) => output !== 'errors')
  return { cells, emitted, late: running.counted('late') }
}

describe('a record that fails under a policy that skips it', () => {
  test.each(['skip', 'deadLetter'] as const)(
    '%s: leaves nothing behind, whatever it did before',
    (policy) => {
      fc.assert(
        fc.property(
          fc.array(fc.oneof({ weight: 8, arbitrary: work }, restart), { maxLength: 12 }),
          (life) => {
            const [guarded, calm] = [harness(policy), harness('fail')]
            let failed = 0
            for (const step of life) {
              if (step === 'restart') {
                guarded.snapshotAndRestore()
                calm.snapshotAndRestore()
              } else {
                guarded.record(step)
                if (step.fails) failed++
                else calm.record(step)
              }
            }
            expect(seen(guarded)).toEqual(seen(calm))
            expect(guarded.counted(policy === 'skip' ? 'skipped' : 'deadLettered')).toBe(failed)
            expect(guarded.side('errors')).toHaveLength(policy === 'skip' ? 0 : failed)
          },
        ),
        { numRuns: 300 },
      )
    },
  )
})
