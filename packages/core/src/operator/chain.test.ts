import { describe, expect, test } from 'vitest'
import type { Batch } from '../record/element.ts'
import { keyGroup } from '../record/key-group.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { TransientTable } from '../state/transient-table.ts'
import type { StateTable } from '../state/state-store.ts'
import type { Reached } from '../time/reached.ts'
import { Chain } from './chain.ts'
import type { ChainPart } from './chain-part.ts'
import { Cursor } from './cursor.ts'
import type { Collector, Operator, OperatorContext, StreamRecord, Timer } from './operator.ts'

const keyGroups = 128
const groups = { first: 0, last: keyGroups - 1 }

/** Counts records by hundreds and key with sweeps, as windows do, and records which are late. */
class Hundreds implements Operator<string, string> {
  #context!: OperatorContext
  #counts!: StateTable<number>

  open(context: OperatorContext): void {
    this.#context = context
    this.#counts = context.table<number>({ name: 'counts' })
  }

  restored(): void {
    for (const start of this.#counts.outers()) this.#setSweep(Number(start))
  }

  process({ time, value }: StreamRecord<string>, out: Collector<string>): void {
    const start = Math.floor(time / 100) * 100
    if (this.#context.watermark() >= start + 100) return out.emit(`${value} late`)
    const cell = this.#counts.find(start, this.#context.keyToken())
    if (cell === undefined) {
      this.#counts.create(start, this.#context.keyToken(), this.#context.keyGroup(), 1)
      this.#setSweep(start)
    } else {
      cell.value++
      this.#counts.changed(cell)
    }
  }

  onTimer({ time }: Timer, out: Collector<string>): void {
    const token = this.#context.keyToken()
    const cell = this.#counts.find(time - 100, token)!
    out.emit(`${String(token)}@${time - 100}=${cell.value}`)
    this.#counts.delete(cell)
  }

  #setSweep(start: number): void {
    this.#context.timers.setSweep(start + 100, 'end', () => this.#counts.cells(start))
  }
}

/** The input of a chain, and everything it emits, with the watermark. */
class ChainRun {
  readonly cursor = new Cursor()
  readonly emitted: string[] = []
  readonly chain: Chain
  now = 0

  constructor(
    operators: readonly Operator<never, unknown>[],
    tables: Map<string, TransientTable<unknown>> = new Map(),
  ) {
    const parts = operators.toReversed().reduce<ChainPart | undefined>(
      (next, operator, i) => ({
        name: `operator ${operators.length - i}`,
        onError: 'fail',
        work: {
          kind: 'operator',
          create: () => operator,
          keys: [(value) => String(value)[0]!],
        },
        targets: new Map([
          ['main', [next === undefined ? { kind: 'port', port: 0 } : { kind: 'part', part: next }]],
        ]),
      }),
      undefined,
    )
    this.chain = new Chain([[{ kind: 'part', part: parts! }]], {
      pipeline: 'test',
      subtask: 0,
      keyGroups,
      cursor: this.cursor,
      ports: [{ receive: (value) => this.emitted.push(`${String(value)} under ${this.cursor.watermark}`) }],
      now: () => this.now,
      budget: { spend: () => false },
      table: <T>(owner: string, { name }: { readonly name: string }) => {
        const table = tables.get(`${owner}/${name}`) ?? new TransientTable<unknown>()
        tables.set(`${owner}/${name}`, table)
        return table as StateTable<unknown> as StateTable<T>
      },
      count: () => {},
      history: () => undefined,
      warn: () => {},
    })
  }

  record(value: string, time: EventTime, watermark: EventTime): void {
    const batch: Batch = {
      length: 1,
      values: [value],
      times: Float64Array.of(time),
      watermarks: Float64Array.of(watermark),
      origin: undefined,
      originIndex: undefined,
    }
    expect(this.chain.process(batch, 0, batch.watermarks)).toBe(1)
  }

  /** The output since the last call. */
  take(): readonly string[] {
    return this.emitted.splice(0)
  }
}

/** Two keys: the group of the first has reached 350 and that of the second 150. */
function afterRescale(): { readonly run: ChainRun; readonly reached: readonly Reached[] } {
  const split = keyGroup('b', keyGroups)
  const reach = (first: number, last: number, watermark: number): Reached => ({
    first,
    last,
    watermark,
    hasEnded: false,
    firedTo: MIN_TIME,
  })
  const reached = [reach(0, split - 1, 350), reach(split, split, 150), reach(split + 1, keyGroups - 1, 350)]
  const counts = new TransientTable<unknown>()
  for (const [key, start] of [
    // Kept though its hundred has ended, like a window with lateness.
    ['a', 100],
    ['b', 100],
    ['b', 200],
    ['a', 300],
    ['b', 300],
  ] as const) {
    counts.create(start, key, keyGroup(key, keyGroups), 1)
  }
  const run = new ChainRun([new Hundreds()], new Map([['operator 1/counts', counts]]))
  run.chain.start({ groups, reached: () => reached })
  return { run, reached }
}

describe('a restored chain', () => {
  test('EN-235 each key has the watermark of its former subtask, until the chain has reached it', () => {
    const { run } = afterRescale()
    run.record('a', 290, 120)
    run.record('b', 290, 120)
    run.record('b', 149, 120)
    expect(run.take()).toEqual(['a late under 120'])
    run.record('b', 90, 130)
    run.record('a', 340, 130)
    expect(run.take()).toEqual(['b late under 130'])
    run.chain.advance(400)
    run.record('a', 399, 400)
    expect(run.take()).toEqual([
      'b@100=2 under 130',
      'b@200=2 under 130',
      'a@300=2 under 130',
      'b@300=1 under 130',
      'a late under 400',
    ])
  })

  test('EN-235 a window that fired for one key does not fire again when a record of another key falls into it', () => {
    const { run } = afterRescale()
    run.record('b', 170, 120)
    run.chain.advance(200)
    expect(run.take()).toEqual(['b@100=2 under 120'])
  })

  test('EN-235 a checkpoint before the chain has caught up keeps the progress of each key group', () => {
    const { run, reached } = afterRescale()
    expect(run.chain.reached(groups).get('operator 1')).toEqual(reached)
    run.record('b', 270, 200)
    expect(run.chain.reached(groups).get('operator 1')).toMatchObject([
      { watermark: 350 },
      { watermark: 200 },
      { watermark: 350 },
    ])
    run.chain.advance(360)
    expect(run.chain.reached(groups).get('operator 1')).toMatchObject([
      { first: 0, last: keyGroups - 1, watermark: 360 },
    ])
  })

  test('advanceUntimed accepts a watermark that makes no timer due, and no other', () => {
    const { run } = afterRescale()
    expect(run.chain.begin(199)).toBe(true)
    expect(run.chain.begin(200)).toBe(false)
    expect(run.cursor.watermark).toBe(199)
  })
})

describe('event time in a chain', () => {
  test('EN-103 a timer sees the watermark that makes it due, and its output is not late', () => {
    const seen: EventTime[] = []
    let context: OperatorContext
    const run = new ChainRun([
      {
        open: (opened) => {
          context = opened
        },
        process: ({ time }) => context.timers.setEvent(time + 10),
        onTimer: ({ key }, out) => {
          seen.push(context.watermark())
          out.emit(key)
        },
      },
      new Hundreds(),
    ])
    run.chain.start(undefined)
    run.record('a', 80, 75)
    run.chain.advance(1_000)
    expect(seen).toEqual([1_000])
    expect(run.take()).toEqual(['a@0=1 under 75'])
  })

  test('EN-093 the end fires remaining timers and finishes each operator, with no late output', () => {
    const finishing: Operator<never, string> = {
      process: (record: StreamRecord<string>, out: Collector<string>) => out.emit(record.value),
      finish: (out: Collector<string>) => out.emitAt(250, 'z'),
    }
    const run = new ChainRun([finishing, new Hundreds()])
    run.chain.start(undefined)
    run.record('a', 210, 205)
    expect(run.chain.end()).toBe(true)
    expect(run.take()).toEqual(['a@200=1 under 205', 'z@200=1 under 205'])
    expect(run.chain.reached(groups).get('operator 2')).toEqual([
      { first: 0, last: keyGroups - 1, watermark: 205, hasEnded: true, firedTo: 300 },
    ])
  })

  test('an operator that has finished finishes again only after new input', () => {
    for (const comesBack of [false, true]) {
      const ended = [{ ...groups, watermark: 205, hasEnded: true, firedTo: 300 }]
      let finished = 0
      const run = new ChainRun([{ process: () => {}, finish: () => finished++ }])
      run.chain.start({ groups, reached: () => ended })
      if (comesBack) run.record('a', 260, 205)
      expect(run.chain.reached(groups).get('operator 1')).toMatchObject([{ hasEnded: !comesBack }])
      run.chain.end()
      expect(finished).toBe(comesBack ? 1 : 0)
      expect(run.chain.reached(groups).get('operator 1')).toMatchObject([
        { hasEnded: true, firedTo: comesBack ? MIN_TIME : 300 },
      ])
    }
  })

  test('at the end of the input the watermark is infinite for its operators', () => {
    let context: OperatorContext
    const seen: EventTime[] = []
    const run = new ChainRun([
      {
        open: (opened) => {
          context = opened
        },
        process: () => context.timers.setEvent(5_000),
        onTimer: () => seen.push(context.watermark()),
        finish: () => seen.push(context.watermark()),
      },
    ])
    run.chain.start(undefined)
    run.record('a', 1, 0)
    run.chain.end()
    expect(seen).toEqual([MAX_TIME, MAX_TIME])
  })
})
