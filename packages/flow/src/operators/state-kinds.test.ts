import { memory } from '@millrace/connector-memory'
import type { OperatorNode } from '@millrace/core/graph'
import { operatorHarness, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pipeline } from '../pipeline.ts'
import { count } from '../window/count.ts'
import { sum } from '../window/sum.ts'
import { output, type ProcessSpec, type ProcessContext } from './process.ts'
import { state, type StateSpecs } from './state-spec.ts'

/** A record says what to do with the state of its key. */
type Step<S extends StateSpecs> = {
  readonly key: string
  readonly do: (context: ProcessContext<unknown, S, {}, 'timed'>) => void
}

/** An operator with the given state that does what its records say. */
function withState<S extends StateSpecs>(specs: S): OperatorHarness<Step<S>> {
  const { graph } = pipeline('test', (p) => {
    const spec: ProcessSpec<Step<S>, string, unknown, S, {}, 'timed'> = {
      output: output<unknown>(),
      state: specs,
      onRecord: ({ value }, context) => value.do(context),
    }
    p.from('in', memory.read<Step<S>>({}))
      .withTimestamps({ timestamp: () => 0 })
      .keyBy(({ key }) => key)
      .process('p', spec)
      .to('out', memory.write())
  }).describe()
  const { create } = graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
  return operatorHarness(create, { keyBy: ({ key }: Step<S>) => key, onError: 'skip' })
}

const values = (harness: OperatorHarness<never>) => harness.outputs.map(({ value }) => value)

describe('an ordered map', () => {
  test('has ranges in the order of its keys, forward and backward, and deletes them', () => {
    const harness = withState({ map: state.orderedMap<string | number, number>() })
    harness.record({
      key: 'a',
      do({ state: { map }, emit }) {
        for (const name of ['b', 10, 'a', 9, 'c', -1]) map.set(name, 0)
        emit([...map.entries()].map(([name]) => name))
        emit([...map.range({ from: 9, to: 'b' })].map(([name]) => name))
        emit([...map.rangeBackward({ to: 10 })].map(([name]) => name))
        map.deleteRange({ from: 0, to: 'b' })
        emit([...map.entries()].map(([name]) => name))
      },
    })
    expect(values(harness as never)).toEqual([
      [-1, 9, 10, 'a', 'b', 'c'],
      [9, 10, 'a'],
      [9, -1],
      [-1, 'b', 'c'],
    ])
  })

  test('may be changed while it is iterated over', () => {
    const harness = withState({ map: state.orderedMap<number, number>() })
    harness.record({
      key: 'a',
      do({ state: { map }, emit }) {
        for (const n of [1, 2, 3]) map.set(n, n)
        const seen: number[] = []
        for (const [n] of map.range({ to: 10 })) {
          seen.push(n)
          map.delete(n)
          if (n < 6) map.set(n + 3, n)
        }
        emit(seen)
      },
    })
    expect(values(harness as never)).toEqual([[1, 2, 3, 4, 5, 6, 7, 8]])
  })

  const specs = { map: state.orderedMap<number, number>({ ttl: { after: 50 } }) }
  const bound = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined })
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.integer({ min: 0, max: 30 }) }) },
    fc.record({ drop: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ from: bound, to: bound, drops: fc.boolean() }),
    fc.constant('clear' as const),
    fc.constant('fail' as const),
  )
  const drawn = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ key: fc.constantFrom('a', 'b'), changes: fc.array(change, { maxLength: 12 }) }),
    },
    { weight: 2, arbitrary: fc.record({ later: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
  )

  test('any changes, failures, expiry and restarts: it is a sorted list of entries', () => {
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 5, maxLength: 30 }), (events) => {
        const harness = withState(specs)
        let model: { key: string; name: number; stamp: number }[] = []
        let now = 0
        harness.watermark(0)
        for (const event of events) {
          if ('restoreAt' in event) harness.snapshotAndRestore(event.restoreAt)
          else if ('later' in event) harness.watermark((now += event.later))
          else {
            model = model.filter(({ stamp }) => stamp + 50 > now)
            const before = model.map((entry) => ({ ...entry }))
            const expected: number[][] = []
            const isOf = (from?: number, to?: number) => (entry: (typeof model)[number]) =>
              entry.key === event.key && (from ?? -1) <= entry.name && entry.name < (to ?? 99)
            const seenBefore = harness.outputs.length
            harness.record(
              {
                key: event.key,
                do({ state: { map }, emit }) {
                  for (const each of event.changes) {
                    if (each === 'fail') throw new Error('failed')
                    if (each === 'clear') map.clear()
                    else if ('set' in each) map.set(each.set, each.set)
                    else if ('drop' in each) map.delete(each.drop)
                    else {
                      const { drops, ...range } = each as { from: number; to: number; drops: boolean }
                      emit([...map.range(range)].map(([name]) => name))
                      emit([...map.rangeBackward(range)].map(([name]) => name))
                      if (drops) map.deleteRange(range)
                    }
                  }
                  emit(map.size)
                },
              },
              now,
            )
            for (const each of event.changes) {
              if (each === 'fail') break
              if (each === 'clear') model = model.filter((entry) => !isOf()(entry))
              else if ('set' in each) {
                model = model.filter((entry) => !isOf(each.set, each.set + 1)(entry))
                model.push({ key: event.key, name: each.set, stamp: now })
              } else if ('drop' in each)
                model = model.filter((entry) => !isOf(each.drop, each.drop + 1)(entry))
              else {
                const names = model.filter(isOf(each.from, each.to)).map(({ name }) => name)
                expected.push(
                  names.toSorted((a, b) => a - b),
                  names.toSorted((a, b) => b - a),
                )
                if (each.drops) model = model.filter((entry) => !isOf(each.from, each.to)(entry))
              }
            }
            const seen = harness.outputs.slice(seenBefore).map(({ value }) => value)
            if (event.changes.includes('fail')) {
              model = before
              expect(seen).toEqual([])
            } else expect(seen).toEqual([...expected, model.filter(isOf()).length])
          }
        }
        harness.watermark(now + 1_000)
        expect(harness.cells()['map']).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('a thousand entries in any order are found by ranges', () => {
    const harness = withState({ map: state.orderedMap<number, number>() })
    harness.record({
      key: 'a',
      do({ state: { map }, emit }) {
        emit([...map.entries()].length)
        for (let n = 0; n < 1_000; n++) map.set((n * 619) % 1_000, n)
        map.deleteRange({ from: 10, to: 990 })
        emit([...map.entries()].map(([name]) => name))
      },
    })
    const left = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => n < 10 || n >= 990)
    expect(values(harness as never)).toEqual([0, left])
  })
})

test('reducing and aggregating state combine values, and skip those of a record that fails', () => {
  const harness = withState({
    most: state.reducing<number>((a, b) => Math.max(a, b)),
    figures: state.aggregating<number>()({ n: count(), total: sum((n: number) => n) }),
  })
  const add = (...all: readonly (number | 'fail')[]) =>
    harness.record({
      key: 'a',
      do({ state: { most, figures }, emit }) {
        for (const n of all) {
          if (n === 'fail') throw new Error('failed')
          most.add(n)
          figures.add(n)
        }
        emit([most.get(), figures.get()])
        if (most.get() === 9) for (const each of [most, figures]) each.clear()
      },
    })
  add()
  add(2, 5)
  add(7, 'fail')
  harness.snapshotAndRestore(2)
  add(4)
  add(9)
  expect(values(harness as never)).toEqual([
    [undefined, undefined],
    [5, { n: 2, total: 7 }],
    [5, { n: 3, total: 11 }],
    [9, { n: 4, total: 20 }],
  ])
  expect(harness.cells()).toEqual({ '#timers': 0, most: 0, figures: 0 })
})

test('versioned state answers as of a time, and keeps what is valid within its retention', () => {
  const harness = withState({ price: state.versioned<number>({ retention: 10 }) })
  const ask = (act: Step<{ readonly price: ReturnType<typeof state.versioned<number>> }>['do']) =>
    harness.record({ key: 'a', do: act }, 0)
  ask(({ state: { price }, emit }) => {
    price.set(1, 10)
    price.set(3, 30)
    price.set(2, 20)
    price.delete(40)
    emit([9, 10, 19, 20, 29, 30, 39, 40, 99].map((time) => price.getAsOf(time) ?? 0))
    emit(price.latest() ?? 0)
  })
  harness.watermark(45)
  harness.snapshotAndRestore()
  ask(({ state: { price }, emit }) => {
    price.set(5, 50)
    // The watermark is 45: what was valid at 35 is kept, and nothing older.
    emit([29, 30, 39, 40, 50].map((time) => price.getAsOf(time) ?? 0))
  })
  expect(values(harness as never)).toEqual([[0, 1, 1, 2, 2, 3, 3, 0, 0], 0, [0, 3, 3, 0, 5]])
  expect(harness.cells()['price']).toBe(3)
  harness.watermark(100)
  ask(({ state: { price } }) => price.delete(60))
  expect(harness.cells()['price']).toBe(0)
})

test('timers.list: any timers, failures, time and restarts: those of the key that have not fired', () => {
  const change = fc.record({
    isSet: fc.boolean(),
    time: fc.integer({ min: 1, max: 60 }),
    name: fc.constantFrom('', 'x'),
    domain: fc.constantFrom('event' as const, 'processing' as const),
  })
  const drawn = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        key: fc.constantFrom('a', 'b'),
        changes: fc.array(change, { maxLength: 8 }),
        fails: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ later: fc.nat(15) }) },
    { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
  )
  const text = (timer: { time: number; name: string; domain: string }) =>
    `${timer.domain} ${timer.time} ${timer.name}`
  fc.assert(
    fc.property(fc.array(drawn, { minLength: 5, maxLength: 30 }), (events) => {
      const harness = withState({})
      const model = new Map<string, { time: number; name: string; domain: string }[]>()
      let now = 0
      for (const event of events) {
        if ('restoreAt' in event) harness.snapshotAndRestore(event.restoreAt)
        else if ('later' in event) {
          now += event.later
          harness.watermark(now)
          harness.processingTime(now)
          for (const [key, timers] of model)
            model.set(
              key,
              timers.filter(({ time }) => time > now),
            )
        } else {
          const { key, fails } = event
          // A timer for a time that has passed fires at once, so only later ones are drawn.
          const changes = event.changes.map((each) => ({ ...each, time: now + each.time }))
          let timers = [...(model.get(key) ?? [])]
          for (const { isSet, ...timer } of changes) {
            const others = timers.filter((each) => text(each) !== text(timer))
            timers = isSet ? [...others, timer] : others
          }
          const before = harness.outputs.length
          harness.record({
            key,
            do({ timers: own, emit }) {
              for (const { isSet, time, name, domain } of changes) {
                if (domain === 'event') own[isSet ? 'setEvent' : 'deleteEvent'](time, name)
                else own[isSet ? 'setProcessing' : 'deleteProcessing'](time, name)
              }
              emit(own.list())
              if (fails) throw new Error('failed')
            },
          })
          if (fails) continue
          model.set(key, timers)
          const [seen] = harness.outputs.slice(before).map(({ value }) => value as typeof timers)
          expect(seen!.map(text).toSorted()).toEqual(timers.map(text).toSorted())
          const order = seen!.map(({ domain, time }) => (domain === 'event' ? 0 : 1e6) + time)
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }
      }
    }),
    { numRuns: 60 },
  )
})
