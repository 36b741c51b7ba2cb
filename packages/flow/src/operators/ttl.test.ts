import { memory } from '@millrace/connector-memory'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OperatorNode } from '@millrace/core/graph'
import { pipeline } from '../pipeline.ts'
import type { TimedKeyedStream } from '../stream.ts'
import { output } from './process.ts'
import { state } from './state-spec.ts'
import type { TtlOptions } from './ttl.ts'

/** What a record does with the state of its key, in order; `fail` throws. */
interface Step {
  readonly key: string
  readonly steps: readonly (
    | readonly ['set' | 'add' | 'put', number]
    | readonly ['get' | 'list' | 'map' | 'size' | 'clear' | 'clearAll' | 'fail']
    | readonly ['drop', number]
  )[]
}

function operatorOf(build: (steps: TimedKeyedStream<Step, string>) => { to(...to: never[]): void }) {
  const { graph } = pipeline('test', (p) => {
    const keyed = p
      .from('in', memory.read<Step>({}))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ key }) => key)
    build(keyed).to(...(['out', memory.write()] as never[]))
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** An operator with a value, a list and a map, which does what its records say and emits what they ask for. */
function probe(ttl: TtlOptions): OperatorHarness<Step> {
  const { create } = operatorOf((keyed) =>
    keyed.process('probe', {
      output: output<unknown>(),
      state: {
        one: state.value<number>({ ttl }),
        list: state.list<number>({ ttl }),
        map: state.map<number, number>({ ttl }),
        other: state.value<number>({ ttl }),
      },
      onRecord({ value }, { state: { one, list, map }, emit }) {
        for (const [what, n = 0] of value.steps) {
          if (what === 'set') one.set(n)
          if (what === 'add') list.add(n)
          if (what === 'put') map.set(n % 3, n)
          if (what === 'drop') map.delete(n % 3)
          if (what === 'get') emit(one.get() ?? 'none')
          if (what === 'list') emit(list.get())
          if (what === 'map') emit([...map.entries()])
          if (what === 'size') emit(map.size)
          if (what === 'clear') one.set(undefined as never)
          if (what === 'clearAll') for (const each of [one, list, map]) each.clear()
          if (what === 'fail') throw new Error('failed')
        }
      },
      onTimer() {},
      onEnd({ key }, { emit }) {
        emit(`end ${key}`)
      },
    }),
  )
  return operatorHarness<Step>(create, { keyBy: ({ key }) => key, onError: 'skip' })
}

const step = (...steps: Step['steps']): Step => ({ key: 'a', steps })
const last = (harness: OperatorHarness<Step>) => harness.outputs.at(-1)?.value
const get = (harness: OperatorHarness<Step>, time: number) => {
  harness.record(step(['get']), time)
  return last(harness)
}

describe('a value with a time to live', () => {
  test('EN-173 expires 100 ms after it was last written, and is removed when it is looked up', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    expect(get(harness, 20)).toBe(1)
    harness.record(step(['set', 2]), 50)
    expect(get(harness, 120)).toBe(2)
    harness.record(step(['set', 3]), 170)
    expect(get(harness, 220)).toBe(3)
    expect(harness.cells()['one']).toBe(1)
    expect(get(harness, 300)).toBe('none')
    expect(harness.cells()['one']).toBe(0)
  })

  test('EN-174 refresh on read: a read prolongs its life', () => {
    const harness = probe({ after: 100, refresh: 'read' })
    harness.record(step(['set', 1]), 0)
    expect([50, 120, 250].map((time) => get(harness, time))).toEqual([1, 1, 'none'])
  })

  test('refresh on creation: neither a read nor a write prolongs its life', () => {
    const harness = probe({ after: 100, refresh: 'create' })
    harness.record(step(['set', 1]), 0)
    harness.record(step(['set', 2]), 90)
    expect([99, 100].map((time) => get(harness, time))).toEqual([2, 'none'])
  })

  test('EN-175 visibility is strict: an expired value is not visible even once', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1], ['add', 1], ['put', 1]), 0)
    harness.record(step(['get'], ['list'], ['map'], ['size']), 100)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [], [], 0])
  })

  test('EN-176 a time to live without end does not overflow', () => {
    const harness = probe({ after: Number.MAX_VALUE })
    harness.record(step(['set', 1]), 8.64e15)
    expect(get(harness, 8.64e15)).toBe(1)
    harness.watermark(Number.MAX_VALUE / 2)
    expect(harness.cells()['one']).toBe(1)
  })

  test('EN-177 setting undefined clears it', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1], ['clear'], ['get']), 0)
    expect(last(harness)).toBe('none')
    harness.watermark(1_000)
    expect(harness.cells()['one']).toBe(0)
  })

  test('EN-178 each list element and map entry expires for itself', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['add', 1], ['put', 1]), 0)
    harness.record(step(['add', 2], ['put', 2]), 50)
    harness.record(step(['list'], ['map'], ['size']), 120)
    expect(harness.outputs.map(({ value }) => value)).toEqual([[2], [[2, 2]], 1])
  })

  test('EN-179 its stamp is part of a checkpoint, also at another parallelism', () => {
    for (const parallelism of [1, 3]) {
      const harness = probe({ after: 100 })
      harness.record(step(['set', 1]), 0)
      harness.snapshotAndRestore(parallelism)
      expect([99, 100].map((time) => get(harness, time))).toEqual([1, 'none'])
    }
  })

  test('EN-180 a checkpoint does not keep what has expired', () => {
    const harness = probe({ after: 100 })
    for (let n = 0; n < 20; n++) harness.record(step(['add', n]), n * 10)
    harness.watermark(150)
    expect(harness.cells()['list']).toBe(14)
    harness.snapshotAndRestore()
    harness.watermark(1_000)
    expect(harness.cells()['list']).toBe(0)
  })

  test('EN-182 keys and pieces of state expire for themselves', () => {
    const harness = probe({ after: 100 })
    harness.record({ key: 'a', steps: [['set', 1]] }, 0)
    harness.record({ key: 'b', steps: [['set', 2]] }, 60)
    harness.record({ key: 'a', steps: [['put', 1]] }, 60)
    harness.record({ key: 'a', steps: [['get'], ['map']] }, 110)
    harness.record({ key: 'b', steps: [['get']] }, 110)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [[1, 1]], 2])
  })

  test('EN-184 processing time is that of the engine, and nothing else makes it expire', () => {
    const harness = probe({ after: 100, clock: 'processing' })
    harness.processingTime(1_000)
    harness.record(step(['set', 1]), 0)
    harness.watermark(1e9)
    expect(get(harness, 1e9)).toBe(1)
    expect(harness.nextProcessing).toBe(1_100)
    harness.snapshotAndRestore()
    harness.processingTime(1_099)
    expect(get(harness, 1e9)).toBe(1)
    harness.processingTime(1_100)
    expect(harness.cells()['one']).toBe(0)
    expect(get(harness, 1e9)).toBe('none')
  })

  test('a stamp never moves back: an older record that writes does not shorten its life', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 50)
    harness.record(step(['set', 2]), 10)
    expect([149, 150].map((time) => get(harness, time))).toEqual([2, 'none'])
  })

  test('a skipped record prolongs no life and deletes nothing', () => {
    const harness = probe({ after: 100, refresh: 'read' })
    harness.record(step(['set', 1], ['add', 1], ['put', 1]), 0)
    harness.record(step(['get'], ['list'], ['map'], ['clearAll'], ['add', 2], ['fail']), 50)
    harness.record(step(['get'], ['list'], ['map']), 100)
    expect(harness.outputs.map(({ value }) => value)).toEqual(['none', [], []])
    expect(harness.cells()).toMatchObject({ one: 0, list: 0, map: 0 })
  })

  test('a late record reads it by the watermark, and stamps what it writes with it', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    harness.watermark(150)
    expect(get(harness, 10)).toBe('none')
    harness.record(step(['set', 2]), 10)
    expect([20, 249, 250].map((time) => get(harness, time))).toEqual([2, 2, 'none'])
  })

  test('the end of the input expires nothing', () => {
    const harness = probe({ after: 100 })
    harness.record(step(['set', 1]), 0)
    harness.record({ key: 'b', steps: [['set', 1]] }, 500)
    harness.watermark(99)
    harness.end()
    expect(harness.outputs.map(({ value }) => value)).toEqual(['end a', 'end b'])
    expect(harness.cells()['one']).toBe(2)
  })

  test('an event timer sees state as it was at its own time, however far the watermark jumps', () => {
    const { create } = operatorOf((keyed) =>
      keyed.process('p', {
        output: output<unknown>(),
        state: { one: state.value<number>({ ttl: { after: 100 } }) },
        onRecord({ time }, { state: { one }, timers }) {
          one.set(time)
          for (const after of [50, 99, 100]) timers.setEvent(time + after)
        },
        onTimer: ({ time }, { state: { one }, emit }) => emit([time, one.get()]),
      }),
    )
    const harness = operatorHarness<Step>(create, { keyBy: ({ key }) => key })
    harness.record(step(), 0)
    harness.watermark(10_000)
    expect(harness.outputs.map(({ value }) => value)).toEqual([
      [50, 0],
      [99, 0],
      [100, undefined],
    ])
  })
})

describe('a time to live of other operators', () => {
  test('reduce and scan begin anew after it, and leave nothing behind', () => {
    const ttl = { after: 100 }
    const nodes = [
      operatorOf((keyed) =>
        keyed.reduce('r', (a, b) => ({ key: a.key, steps: [...a.steps, ...b.steps] }), { ttl }),
      ),
      operatorOf((keyed) =>
        keyed.scan(
          's',
          () => [] as Step['steps'],
          (all, { steps }) => [...all, ...steps],
          { ttl },
        ),
      ),
    ]
    for (const { create } of nodes) {
      const harness = operatorHarness<Step>(create, { keyBy: ({ key }) => key })
      for (const time of [0, 90, 180, 290]) harness.record(step(['set', time]), time)
      const lengths = harness.outputs.map(({ value }) => {
        const total = (value as { readonly value: Step | Step['steps'] }).value
        return 'steps' in total ? total.steps.length : total.length
      })
      expect(lengths).toEqual([1, 2, 3, 1])
      harness.watermark(390)
      expect(Object.values(harness.cells()).reduce((a, b) => a + b)).toBe(0)
    }
  })
})

/** What the state should be: entries with their stamps. */
class Model {
  readonly #ttl: TtlOptions
  entries: { readonly piece: string; readonly name: number; value: number; stamp: number }[] = []
  #numbered = 0

  constructor(ttl: TtlOptions) {
    this.#ttl = ttl
  }

  /** Does the steps at `now`; undefined if one fails, and then changes nothing. */
  run(steps: Step['steps'], now: number): unknown[] | undefined {
    const before = this.entries.map((entry) => ({ ...entry }))
    const seen: unknown[] = []
    for (const [what, n = 0] of steps) {
      this.#look(what, n, now)
      if (what === 'set') this.#write('one', 0, n, now)
      if (what === 'add') this.#write('list', ++this.#numbered, n, now)
      if (what === 'put') this.#write('map', n % 3, n, now)
      if (what === 'drop') this.#remove(({ piece, name }) => piece === 'map' && name === n % 3)
      if (what === 'get') seen.push(this.#read('one', now)[0]?.value ?? 'none')
      if (what === 'list') seen.push(this.#read('list', now).map(({ value }) => value))
      if (what === 'map') seen.push(this.#read('map', now).map(({ name, value }) => [name, value]))
      if (what === 'size') seen.push(this.entries.filter(({ piece }) => piece === 'map').length)
      if (what === 'clear') this.#remove(({ piece }) => piece === 'one')
      if (what === 'clearAll') this.entries = []
      if (what === 'fail') {
        this.entries = before
        return undefined
      }
    }
    return seen
  }

  /** An entry that has expired is removed when it is looked up, so an older record does not see it either. */
  #look(what: Step['steps'][number][0], n: number, now: number): void {
    const pieces = {
      set: 'one',
      get: 'one',
      clear: 'one',
      list: 'list',
      map: 'map',
      size: 'map',
      put: 'map',
      drop: 'map',
    }
    const looked = pieces[what as keyof typeof pieces]
    this.#remove(({ piece, name, stamp }) => {
      if (piece !== looked || stamp + Number(this.#ttl.after) > now) return false
      return what === 'put' || what === 'drop' ? name === n % 3 : true
    })
  }

  #write(piece: string, name: number, value: number, now: number): void {
    const entry = this.entries.find((each) => each.piece === piece && each.name === name)
    if (entry === undefined) return void this.entries.push({ piece, name, value, stamp: now })
    entry.value = value
    if (this.#ttl.refresh !== 'create') entry.stamp = Math.max(entry.stamp, now)
  }

  #read(piece: string, now: number): Model['entries'] {
    const found = this.entries.filter((entry) => entry.piece === piece)
    if (this.#ttl.refresh === 'read') for (const entry of found) entry.stamp = Math.max(entry.stamp, now)
    return found
  }

  #remove(isOut: (entry: Model['entries'][number]) => boolean): void {
    this.entries = this.entries.filter((entry) => !isOut(entry))
  }
}

const drawnStep = fc.oneof(
  fc.tuple(fc.constantFrom('set', 'add', 'put', 'drop'), fc.nat(9)),
  fc.tuple(fc.constantFrom('get', 'get', 'list', 'list', 'map', 'map', 'size', 'clear', 'clearAll', 'fail')),
) as fc.Arbitrary<Step['steps'][number]>

const drawnEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      behind: fc.nat(40),
      steps: fc.array(drawnStep, { maxLength: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ advance: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
)

test('any steps, order, checkpoints and parallelism: state is what a list of stamped entries says', () => {
  const drawnTtl = fc.record({
    after: fc.integer({ min: 1, max: 120 }),
    refresh: fc.constantFrom('create' as const, 'write' as const, 'read' as const),
    clock: fc.constantFrom('event' as const, 'processing' as const),
  })
  fc.assert(
    fc.property(drawnTtl, fc.array(drawnEvent, { minLength: 10, maxLength: 60 }), (ttl, events) => {
      const harness = probe(ttl)
      const models = new Map<string, Model>()
      let watermark = 0
      harness.watermark(0)
      for (const event of events) {
        if ('restoreAt' in event) harness.snapshotAndRestore(event.restoreAt)
        else if ('advance' in event) {
          watermark += event.advance
          harness.watermark(watermark)
          harness.processingTime(watermark)
        } else {
          const time = watermark + 30 - event.behind
          const model = models.get(event.key) ?? new Model(ttl)
          models.set(event.key, model)
          const before = harness.outputs.length
          harness.record(event, time)
          const now = ttl.clock === 'event' ? Math.max(time, watermark) : watermark
          const seen = harness.outputs.slice(before).map(({ value }) => value)
          expect(seen).toEqual(model.run(event.steps, now) ?? [])
        }
      }
      harness.watermark(watermark + 1_000)
      harness.processingTime(watermark + 1_000)
      expect(Object.entries(harness.cells()).filter(([, size]) => size > 0)).toEqual([])
    }),
    { numRuns: 100 },
  )
})
