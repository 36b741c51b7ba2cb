import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import {
  count,
  pipeline,
  state,
  output,
  sum,
  tumbling,
  type Pipeline,
  type PipelineBuilder,
} from '@millrace/flow'

/** Pipelines for the simulator's own tests. */
export interface Reading {
  readonly id: number
  readonly at: number
  readonly sensor: string
  readonly value: number
}

/** Readings of eleven sensors with fixed disorder; some are late. */
function readings(records: number, firstId = 0): readonly Reading[] {
  return Array.from({ length: records }, (_, index) => ({
    id: firstId + index,
    at: index * 100 + ((index * 37) % 7) * 90,
    sensor: `s${(index * 13) % 11}`,
    value: (index * 7) % 100,
  }))
}

/** Counts and sums for each sensor, by windows of two seconds: a thousand readings of one split. */
export const windowed: Pipeline = pipeline('windowed', (p) => {
  const sums = p
    .from('readings', memory.read({ all: readings(1_000) }))
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '300ms' })
    .keyBy((reading) => reading.sensor)
    .window(tumbling('2s'))
    .aggregate('sums', { n: count(), total: sum((reading) => reading.value) })
  sums.to('sums-out', memory.write())
  sums.late.to('late', memory.write())
})

/** Several splits, calls that end in any order, state and timers, and a keyed operator after another one. */
export const manySided: Pipeline = pipeline('many-sided', (p) => {
  const looked = p
    .from('readings', memory.read({ a: readings(150), b: readings(100, 1_000), c: readings(50, 2_000) }))
    .mapAsync('look-up', async (reading) => ({ ...reading, floor: reading.sensor.length }), {
      concurrency: 8,
    })
  looked.to('looked', memory.write())
  const gaps = p
    .from('others', memory.read({ x: readings(80), y: readings(80, 500) }))
    .withTimestamps({ timestamp: (reading) => reading.at, maxOutOfOrderness: '1s' })
    .keyBy((reading) => reading.sensor)
    .process('gaps', {
      output: output<{ readonly sensor: string; readonly total: number }>(),
      state: { total: state.value<number>() },
      onRecord({ key, value, time }, { state: { total }, timers, emit }) {
        total.set((total.get() ?? 0) + value.value)
        timers.setEvent(time + 1_500)
        emit({ sensor: key, total: total.get()! })
      },
      onTimer(_timer, { state: { total } }) {
        total.clear()
      },
    })
  gaps.to('gaps-out', memory.write())
  gaps
    .keyBy(() => 'all')
    .window(tumbling('10s'))
    .aggregate('overall', { n: count(), total: sum((gap) => gap.total) })
    .to('overall-out', memory.write())
})

/** A map over a thousand numbers with the function of the test, into a replaceable sink. */
export function mapping(
  apply: (n: number) => unknown,
  source: Source<number> = memory.read({ all: Array.from({ length: 200 }, (_, n) => n) }),
): Pipeline {
  return pipeline('mapping', (p: PipelineBuilder) => {
    p.from('numbers', source).map(apply, { name: 'change' }).to('out', memory.write())
  })
}
