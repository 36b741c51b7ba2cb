import { memory } from '@millrace/connector-memory'
import type { OperatorNode } from '@millrace/core/graph'
import type { Timed } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  atTheEnd,
  clockCases,
  runByClock,
  type AtMoment,
  type ClockCase,
  type Numbered,
} from '../../test/clock-trial.ts'
import { runMeeting } from '../../test/meeting-trial.ts'
import { arrivalsOf, numRuns } from '../../test/table-trial.ts'
import { pipeline } from '../pipeline.ts'
import type { KeyedStream, SourceStream, TimedKeyedStream } from '../stream.ts'
import type { KeyedBatch } from './batch.ts'

const keys = ['a', 'b', 'c']
const small = fc.integer({ min: 1, max: 5 })
const ms = fc.integer({ min: 1, max: 20 })

type To = { to(...to: never[]): void }

/** The operator of a stream without event time. */
function nodeByClock(build: (keyed: KeyedStream<Numbered, string>) => To): OperatorNode {
  return nodeOf((p) => build(p.keyBy(({ key }) => key)))
}

/** The operator of a stream with event time. */
function nodeByEvent(build: (keyed: TimedKeyedStream<Numbered, string>) => To): OperatorNode {
  return nodeOf((p) => build(p.withTimestamps({ timestamp: () => 0 }).keyBy(({ key }) => key)))
}

function nodeOf(build: (stream: SourceStream<Numbered>) => To): OperatorNode {
  const { graph } = pipeline('test', (p) => {
    build(p.from('in', memory.read<Numbered>({}))).to(...(['out', memory.write()] as never[]))
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** What leaves, by key: in order, each with its moment. */
type Leaving = readonly (readonly [now: number, n: number])[]

/** Runs a case by the clock and requires the same of each key as a loop over the records of that key. */
function expectByClock(
  node: OperatorNode,
  trial: ClockCase,
  leavingOf: (records: readonly AtMoment[]) => Leaving,
  cells: (keys: number) => number = () => 0,
): void {
  const { emitted, harness } = runByClock(node, trial)
  for (const key of keys) {
    const seen = emitted.filter(([, value]) => (value as Numbered).key === key)
    const expected = leavingOf(trial.records.filter((record) => record.key === key))
    expect(seen.map(([now, value]) => [now, (value as Numbered).n])).toEqual(expected)
  }
  const met = new Set(trial.records.map(({ key }) => key)).size
  expect(Object.values(harness.cells()).reduce((a, b) => a + b)).toBe(cells(met))
}

/** The first moment from `due` on. */
const momentFrom = ({ moments }: ClockCase, due: number): number =>
  moments.find((now) => now >= due) ?? atTheEnd

const items = fc.constantFrom(...keys).map((key) => ({ key }))

/** Records by event time, out of order within the bound, each with a number of its own. */
const numbered = arrivalsOf(items, { maxLength: 40 }).map((trial) => ({
  ...trial,
  arrivals: trial.arrivals.map((record, n) => ({ ...record, value: { ...record.value, n } })),
}))

type EventCase = typeof numbered extends fc.Arbitrary<infer T> ? T : never
type Arrival = EventCase['arrivals'][number]

/** Runs a case of event time, and requires the same of each key as a loop over the records of that key. */
function expectByEvent(
  node: OperatorNode,
  trial: EventCase,
  expectedOf: (arrivals: readonly Arrival[]) => readonly Timed<unknown>[],
): void {
  const harness = runMeeting<Numbered>(node, trial)
  for (const key of keys) {
    const expected = expectedOf(trial.arrivals.filter(({ value }) => value.key === key))
    expect(harness.outputs.filter(({ value }) => (value as { key: string }).key === key)).toEqual(expected)
  }
  expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
}

describe('any batches, restarts and 1 to 4 subtasks: by the clock', () => {
  test.each(['wait', 'drop'] as const)(
    'throttle lets as many records pass as a loop that looks at the clock: %s',
    (excess) => {
      fc.assert(
        fc.property(clockCases, small, ms, (trial, records, per) => {
          const node = nodeByClock((keyed) => keyed.throttle('t', { records, per, excess }))
          expectByClock(node, trial, (arrivals) => {
            const left: [number, number][] = []
            let waiting: number[] = []
            let period = { start: Number.NEGATIVE_INFINITY, passed: 0 }
            const pass = (now: number): void => {
              while (waiting.length > 0 && period.passed < records) {
                period.passed++
                left.push([now, waiting.shift()!])
              }
            }
            for (const now of trial.moments) {
              const come = arrivals.filter((record) => record.now === now).map(({ n }) => n)
              const isOver = now >= period.start + per
              if (isOver && waiting.length + come.length > 0) period = { start: now, passed: 0 }
              pass(now)
              waiting.push(...come)
              pass(now)
              if (excess === 'drop') waiting = []
            }
            return [...left, ...waiting.map((n) => [atTheEnd, n] as const)]
          })
        }),
        { numRuns },
      )
    },
  )

  test('delay holds each record for its time, and the end of the input for none', () => {
    fc.assert(
      fc.property(clockCases, ms, (trial, by) => {
        const node = nodeByClock((keyed) => keyed.delay('d', { by }))
        expectByClock(node, trial, (arrivals) =>
          arrivals.map(({ n, now }) => [momentFrom(trial, now + by), n]),
        )
      }),
      { numRuns },
    )
  })

  test('debounce emits each record that no other of its key has followed soon', () => {
    fc.assert(
      fc.property(clockCases, ms, (trial, quiet) => {
        const node = nodeByClock((keyed) => keyed.debounce('d', { quiet }))
        expectByClock(node, trial, (arrivals) =>
          arrivals
            .filter(({ now }, i) => (arrivals[i + 1]?.now ?? atTheEnd) >= now + quiet)
            .map(({ n, now }) => [momentFrom(trial, now + quiet), n]),
        )
      }),
      { numRuns },
    )
  })

  test('sample emits the first of each so many records, and keeps a count for each key', () => {
    fc.assert(
      fc.property(clockCases, small, (trial, every) => {
        const node = nodeByClock((keyed) => keyed.sample('s', { every }))
        const first = (arrivals: readonly AtMoment[]): Leaving =>
          arrivals.filter((_, i) => i % every === 0).map(({ n, now }) => [now, n])
        expectByClock(node, trial, first, (met) => met)
      }),
      { numRuns },
    )
  })

  test('batch ends a batch when it is full, after its time, and at the end of the input', () => {
    fc.assert(
      fc.property(clockCases, small, ms, (trial, size, time) => {
        const node = nodeByClock((keyed) => keyed.batch('b', { size, time }))
        const { emitted, harness } = runByClock(node, trial)
        for (const key of keys) {
          const batches: { ends: number; ns: number[] }[] = []
          for (const { n, now } of trial.records.filter((record) => record.key === key)) {
            const open = batches.at(-1)
            if (open === undefined || open.ns.length === size || now >= open.ends) {
              batches.push({ ends: momentFrom(trial, now + time), ns: [n] })
            } else open.ns.push(n)
            const last = batches.at(-1)!
            if (last.ns.length === size) last.ends = now
          }
          const seen = emitted.filter(([, value]) => (value as KeyedBatch<string, Numbered>).key === key)
          expect(
            seen.map(([ends, value]) => ({
              ends,
              ns: (value as KeyedBatch<string, Numbered>).values.map(({ n }) => n),
            })),
          ).toEqual(batches)
        }
        expect(Object.values(harness.cells()).every((cells) => cells === 0)).toBe(true)
      }),
      { numRuns },
    )
  })
})

describe('any order of arrival, batches, restarts and 1 to 4 subtasks: by event time', () => {
  test('delay emits each record when it and those before it are due', () => {
    fc.assert(
      fc.property(numbered, ms, (trial, by) => {
        const node = nodeByEvent((keyed) => keyed.delay('d', { by, clock: 'event' }))
        expectByEvent(node, trial, (arrivals) =>
          arrivals.map(({ value }, i) => ({
            value,
            time: Math.max(...arrivals.slice(0, i + 1).map(({ time }) => time)) + by,
          })),
        )
      }),
      { numRuns },
    )
  })

  test('debounce emits the last record at each time that no other time of its key follows soon', () => {
    fc.assert(
      fc.property(numbered, ms, (trial, quiet) => {
        const node = nodeByEvent((keyed) => keyed.debounce('d', { quiet, clock: 'event' }))
        expectByEvent(node, trial, (arrivals) => {
          const byTime = new Map(arrivals.map(({ value, time }) => [time, value]))
          const times = [...byTime.keys()].toSorted((a, b) => a - b)
          return times
            .filter((time, i) => (times[i + 1] ?? atTheEnd) >= time + quiet)
            .map((time) => ({ value: byTime.get(time), time: time + quiet }))
        })
      }),
      { numRuns },
    )
  })

  test('batch ends a batch when it is full, and when the watermark has reached its time', () => {
    fc.assert(
      fc.property(numbered, small, ms, (trial, size, time) => {
        const node = nodeByEvent((keyed) => keyed.batch('b', { size, time, clock: 'event' }))
        const harness = runMeeting<Numbered>(node, trial)
        for (const key of keys) {
          const batches: { due: number; ns: number[] }[] = []
          for (const arrival of trial.arrivals.filter(({ value }) => value.key === key)) {
            const open = batches.at(-1)
            if (open === undefined || open.ns.length === size || arrival.watermark >= open.due) {
              batches.push({ due: arrival.time + time, ns: [arrival.value.n] })
            } else open.ns.push(arrival.value.n)
          }
          const seen = harness.outputs.map(({ value }) => value as KeyedBatch<string, Numbered>)
          const ofKey = seen.filter((batch) => batch.key === key)
          expect(ofKey.map(({ values }) => values.map(({ n }) => n))).toEqual(batches.map(({ ns }) => ns))
        }
        expect(Object.values(harness.cells()).every((cells) => cells === 0)).toBe(true)
      }),
      { numRuns },
    )
  })
})
