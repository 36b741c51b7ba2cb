/**
 * What does the engine add to each event, over decoded batches and compared with a hand-written loop?
 *
 * Every engine run includes the start and the end of its job: opening a data directory, the final checkpoint.
 */
import {
  count,
  pipeline,
  sliding,
  state,
  output,
  tumbling,
  type PipelineBuilder,
  type WindowAssigner,
} from '@millrace/flow'
import { CountingSink, decoded, runToEnd } from './engine-run.ts'
import { measureInTurns, type Measurable } from './measure.ts'

interface Event {
  readonly id: number
  readonly key: string
  readonly amount: number
}

const rounds = 20
const names = Array.from({ length: 1_000 }, (_, key) => `key-${key}`)
const few = Array.from({ length: 100_000 }, (_, id): Event => ({
  id,
  key: names[(id * 7_919) % names.length]!,
  amount: id % 100,
}))
const total = few.length * rounds

/** 100,000 events per second of event time, from a counter, because the same events are repeated. */
function ticking(): () => number {
  let events = 0
  return () => Math.floor(events++ / 100)
}

function engine(name: string, build: (p: PipelineBuilder, sink: CountingSink) => void): Measurable {
  return {
    name,
    operations: total,
    run: async () => {
      await runToEnd(pipeline('bench', (p) => build(p, new CountingSink())))
    },
  }
}

function loop(name: string, run: () => number): Measurable {
  return {
    name,
    operations: total,
    run: () => {
      if (run() < 0) throw new Error('never')
    },
  }
}

function windows(name: string, assigner: WindowAssigner): Measurable {
  return engine(name, (p, sink) =>
    p
      .from('events', decoded(few, rounds))
      .withTimestamps({ timestamp: ticking() })
      .keyBy((event) => event.key)
      .window(assigner)
      .aggregate('counts', { n: count() })
      .to('out', sink),
  )
}

/** Counts windows of `size`, each in its own map that is emitted when time has passed its end. */
function countByHand(size: number, slide: number): number {
  const tick = ticking()
  const open = new Map<number, Map<string, number>>()
  let emitted = 0
  let closed = 0
  for (let round = 0; round < rounds; round++) {
    for (const { key } of few) {
      const at = tick()
      for (let start = at - (at % slide); start > at - size; start -= slide) {
        let counts = open.get(start)
        if (counts === undefined) open.set(start, (counts = new Map()))
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      if (at < closed + slide) continue
      closed = at
      for (const [start, counts] of open) {
        if (start + size > at) continue
        emitted += counts.size
        open.delete(start)
      }
    }
  }
  return emitted
}

await measureInTurns([
  loop('loop: map filter map filter map', () => {
    let taken = 0
    for (let round = 0; round < rounds; round++) {
      for (const event of few) {
        const doubled = { id: event.id, amount: event.amount * 2 }
        if (doubled.amount <= 10) continue
        const next = { id: doubled.id, amount: doubled.amount + 1 }
        if (next.id % 7 === 0) continue
        taken += next.amount
      }
    }
    return taken
  }),
  engine('engine: source and sink alone', (p, sink) =>
    p.from('events', decoded(few, rounds)).to('out', sink),
  ),
  engine('engine: map filter map filter map', (p, sink) =>
    p
      .from('events', decoded(few, rounds))
      .map((event) => ({ id: event.id, amount: event.amount * 2 }))
      .filter((event) => event.amount > 10)
      .map((event) => ({ id: event.id, amount: event.amount + 1 }))
      .filter((event) => event.id % 7 !== 0)
      .map((event) => event.amount)
      .to('out', sink),
  ),
  loop('loop: tumbling count 10 s, 1 k keys', () => countByHand(10_000, 10_000)),
  windows('engine: tumbling count 10 s, 1 k keys', tumbling('10s')),
  loop('loop: sliding count 10 s by 1 s, 1 k keys', () => countByHand(10_000, 1_000)),
  windows('engine: sliding count 10 s by 1 s, 1 k keys', sliding({ size: '10s', slide: '1s' })),
  loop('loop: one state access, 1 k keys', () => {
    const counts = new Map<string, number>()
    let sum = 0
    for (let round = 0; round < rounds; round++) {
      for (const { key } of few) {
        const next = (counts.get(key) ?? 0) + 1
        counts.set(key, next)
        sum += next
      }
    }
    return sum
  }),
  engine('engine: process with one state access, 1 k keys', (p, sink) =>
    p
      .from('events', decoded(few, rounds))
      .withTimestamps({ timestamp: ticking() })
      .keyBy((event) => event.key)
      .process('count', {
        output: output<number>(),
        state: { n: state.value<number>() },
        onRecord(_, { state: { n }, emit }) {
          const next = (n.get() ?? 0) + 1
          n.set(next)
          emit(next)
        },
      })
      .to('out', sink),
  ),
])
