/** The pipelines in which the simulator must find bugs: together they use every part of the engine. */
import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import {
  count,
  output,
  pipeline,
  sliding,
  state,
  sum,
  tumbling,
  type Pipeline,
  type TimedKeyedStream,
  type TimedStream,
} from '@millrace/flow'

/** What a meter has read. */
interface Reading {
  readonly id: number
  /** Event time in milliseconds. */
  readonly at: number
  readonly meter: string
  readonly value: number
}

/** Readings of eleven meters, in a fixed pattern of disorder, some of them late. */
function readings(records: number, firstId = 0, fromMs = 0): readonly Reading[] {
  return Array.from({ length: records }, (_, index) => ({
    id: firstId + index,
    at: fromMs + index * 100 + ((index * 37) % 7) * 90,
    meter: `m${(index * 13) % 11}`,
    value: (index * 7) % 100,
  }))
}

/** A sink that guarantees at-least-once. */
function atLeastOnce(): Sink<unknown> {
  return {
    kind: 'at-least-once',
    guarantee: 'at-least-once',
    open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }),
  }
}

/** The total of each meter, emitted a while after each reading and when it has been silent: by timers. */
function silenceOf(
  byMeter: TimedKeyedStream<Reading, string>,
): TimedStream<{ readonly meter: string; readonly total: number; readonly last: number }> {
  return byMeter.process('silence', {
    output: output<{ readonly meter: string; readonly total: number; readonly last: number }>(),
    state: { total: state.value<number>(), last: state.value<{ at: number }>() },
    onRecord({ value, time }, { state: { total, last }, timers }) {
      const before = last.get()
      if (before !== undefined) timers.deleteEvent(before.at + 1_500, 'silent')
      const newest = Math.max(time, before?.at ?? time)
      total.set((total.get() ?? 0) + value.value)
      last.set({ at: newest })
      timers.setEvent(newest + 1_500, 'silent')
      timers.setEvent(time + 1_000, 'report')
    },
    onTimer({ key, name }, { state: { total, last }, emit }) {
      emit({ meter: key, total: total.get() ?? -1, last: last.get()?.at ?? -1 })
      if (name === 'silent') total.clear()
    },
  })
}

/** One split, whose records arrive in pieces of any size: windows, state, timers and totals in parallel. */
const keyed: Pipeline = pipeline('keyed', (p) => {
  const byMeter = p
    .from('readings', memory.read({ all: readings(500) }))
    .map((reading) => ({ ...reading, value: reading.value + 1 }), { name: 'calibrate' })
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '300ms' })
    .keyBy((reading) => reading.meter)
  const sums = byMeter
    .window(tumbling('2s'))
    .aggregate('sums', { n: count(), total: sum((reading) => reading.value) })
  sums.to('sums-out', memory.write())
  sums.late.to('late', memory.write())
  byMeter
    .window(sliding({ size: '4s', slide: '1s' }))
    .aggregate('trend', { total: sum((reading) => reading.value) })
    .to('trend-out', atLeastOnce())
  silenceOf(byMeter).to('silence-out', memory.write())
  byMeter
    .scan(
      'totals',
      () => ({ n: 0, total: 0 }),
      (before, { value }) => ({ n: before.n + 1, total: before.total + value }),
    )
    .to('totals-out', memory.write())
})

/** Calls with three orders, in sequence and in parallel. */
const calling: Pipeline = pipeline('calling', (p) => {
  const source = p
    .from('readings', memory.read({ all: readings(240) }))
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '1s' })
  const located = source.mapAsync(
    'locate',
    async (reading) => ({ ...reading, floor: reading.meter.length }),
    { concurrency: 8 },
  )
  located.to('located', memory.write())
  located
    .keyBy((reading) => reading.meter)
    .window(tumbling('2s'))
    .aggregate('floors', { n: count(), total: sum((reading) => reading.value) })
    .to('floors-out', memory.write())
  source
    .mapAsync('price', async ({ id }) => ({ id, price: id * 2 }), { order: 'none' })
    .to('prices', memory.write())
  source
    .keyBy((reading) => reading.meter)
    .mapAsync('charge', async ({ id }) => ({ id, charged: true }))
    .to('charges', memory.write())
})

/**
 * Several splits of two sources, merged into one stream, and a keyed operator after another one. Of the
 * splits indoors, `a` ends early; `e` is ahead in event time and quiet until the end, in its own subtask
 * where there are several; so event time follows `b`.
 */
const joined: Pipeline = pipeline('joined', (p) => {
  const splits = { a: readings(150), e: readings(12, 1_000, 10_000), b: readings(100, 2_000) }
  const indoors = p
    .from('indoors', memory.read(splits))
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '500ms' })
  const outdoors = p
    .from('outdoors', memory.read({ x: readings(80, 3_000), y: readings(80, 4_000) }))
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '500ms' })
  const all = indoors.union(outdoors)
  all.to('all-out', memory.write())
  const sums = all
    .keyBy((reading) => reading.meter)
    .window(tumbling('3s'))
    .aggregate('sums', { n: count(), total: sum((reading) => reading.value) })
  sums.to('sums-out', memory.write())
  sums
    .keyBy(() => 'all')
    .window(tumbling('6s'))
    .aggregate('overall', { n: count(), total: sum((each) => each.total) })
    .to('overall-out', memory.write())
  const byRoom = indoors.keyBy((reading) => reading.meter)
  byRoom.window(tumbling('2s')).aggregate('per-room', { n: count() }).to('rooms-out', memory.write())
  silenceOf(byRoom).to('silence-out', memory.write())
  outdoors
    .keyBy((reading) => reading.meter)
    .reduce('highest', (highest, reading) => (reading.value > highest.value ? reading : highest))
    .to('highest-out', memory.write())
})

/** The pipelines in which every bug is searched, in order. */
export const pipelines: readonly Pipeline[] = [keyed, calling, joined]
