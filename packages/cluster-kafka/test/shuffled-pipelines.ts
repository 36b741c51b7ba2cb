import {
  connectBroadcast,
  count,
  join,
  output,
  pattern,
  state,
  tumbling,
  type PipelineBuilder,
  type TimedStream,
} from '@millrace/flow'
import type { Build, SinkOf } from './lease-jobs.ts'
import { pacedSplits } from './paced-splits.ts'

/** A record of the property tests. */
export interface Event {
  /** Unique in its split. */
  readonly id: string
  readonly key: string
  readonly at: number
}

/** The records of a job, by split. */
export type Events = Readonly<Record<string, readonly Event[]>>

/** How far times of one split may be out of order without being late. */
export const disorderMs = 30

interface Rows {
  readonly p: PipelineBuilder
  readonly sink: SinkOf
  readonly events: TimedStream<Event>
}

function read(p: PipelineBuilder, name: string, events: Events, perMs: number): TimedStream<Event> {
  return p
    .from(name, pacedSplits(events, perMs))
    .withTimestamps({ timestamp: ({ at }) => at, unit: 'ms', maxOutOfOrderness: disorderMs })
}

/** Pipelines whose results are the same in whatever order splits are read, if no record is late. */
const anyOrder: Readonly<Record<string, (rows: Rows) => void>> = {
  'a window': ({ events, sink }) =>
    events
      .keyBy(({ key }) => key)
      .window(tumbling(50))
      .aggregate('per-key', { n: count() })
      .to('out', sink('out')),
  'a window of windows': ({ events, sink }) =>
    events
      .keyBy(({ key }) => key)
      .window(tumbling(20))
      .aggregate('per-key', { n: count() })
      .keyBy(({ n }) => n)
      .window(tumbling(100))
      .aggregate('per-number', { keys: count() })
      .to('out', sink('out')),
  'a window over all': ({ events, sink }) =>
    events.window(tumbling(50)).aggregate('all', { n: count() }).to('out', sink('out')),
  'a pattern': ({ events, sink }) =>
    events
      .keyBy(({ key }) => key)
      .match(
        'rising',
        pattern('first', (event: Event) => event.at % 3 === 0).next('second', ({ at }) => at % 3 > 0),
      )
      .map(({ first, second }) => `${first.at} ${second.at}`)
      .to('out', sink('out')),
  'calls by key': ({ events, sink }) =>
    events
      .keyBy(({ key }) => key)
      .mapAsync('call', async ({ id }) => Promise.resolve(`called ${id}`), { order: 'key' })
      .to('out', sink('out')),
  'a union and a join': ({ p, events, sink }) => {
    const more = read(
      p,
      'more',
      { 'm-0': [{ id: 'm', key: 'k1', at: 40 }], 'm-1': [{ id: 'n', key: 'k2', at: 90 }] },
      1,
    )
    join(
      events.union(more).keyBy(({ key }) => key),
      more.keyBy(({ key }) => key),
    )
      .between(-20, 20)
      .inner('near', (left, right) => `${left.id} ${right.id}`)
      .to('out', sink('out'))
  },
  'what is broadcast': ({ p, events, sink }) =>
    connectBroadcast(
      events.keyBy(({ key }) => key),
      read(
        p,
        'rules',
        { 'r-0': [{ id: 'r', key: 'k1', at: 10 }], 'r-1': [{ id: 's', key: 'k2', at: 20 }] },
        1,
      ),
    )
      .process('known', {
        output: output<string>(),
        state: { seen: state.value<number>() },
        broadcast: { rules: state.map<string, number>() },
        onBroadcast: ({ value }, { broadcast: { rules } }) => rules.set(value.id, value.at),
        onRecord: (_, { state: { seen } }) => seen.set((seen.get() ?? 0) + 1),
        onEnd: ({ key }, { emit, state: { seen }, broadcast: { rules } }) =>
          emit(`${key}: ${seen.get()} records, ${rules.size} rules`),
      })
      .to('out', sink('out')),
}

/** The names of the pipelines. */
export const pipelineNames: readonly string[] = Object.keys(anyOrder)

/** Builds a pipeline over these records; `meet` is called with each one, and may throw. */
export function buildOf(
  name: string,
  events: Events,
  perMs: number,
  meet: (event: Event) => void = () => {},
): Build {
  return (p, sink) => {
    const met = read(p, 'events', events, perMs).map((event) => {
      meet(event)
      return event
    })
    anyOrder[name]!({ p, sink, events: met })
  }
}

/** Counts records of one split in windows, and keeps those that are late. */
export function lateRecords(events: readonly Event[], perMs: number): Build {
  return (p, sink) => {
    const windows = read(p, 'events', { all: events }, perMs)
      .keyBy(({ key }) => key)
      .window(tumbling(50))
      .aggregate('per-key', { n: count() })
    windows.to('out', sink('out'))
    windows.late.to('late', sink('late'))
  }
}

/** Sums up without event times, in the order of each key. */
export function running(events: Events, perMs: number): Build {
  return (p, sink) =>
    p
      .from('events', pacedSplits(events, perMs))
      .keyBy(({ id }) => id.split('/')[0]!)
      .scan(
        'path',
        () => '',
        (path, { at }) => `${path} ${at}`.slice(-200),
      )
      .to('out', sink('out'))
}
