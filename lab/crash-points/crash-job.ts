import { sleep } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { files } from '@millrace/connector-files'
import {
  aggregator,
  output,
  pipeline,
  skip,
  sliding,
  state,
  type Json,
  type Pipeline,
  type Sink,
  type Source,
} from 'millrace'
import { pacedSource } from './paced-source.ts'
import {
  bucketOf,
  disorderMs,
  inOrder,
  northPaths,
  slideMs,
  southPaths,
  windowMs,
  type OutputLine,
  type Reading,
} from './readings.ts'

/** The two outputs. The first grows, the second consists of numbered files. */
const livePath = 'out/live.ndjson'
const rolledPath = 'out/rolled.ndjson'

/** Small enough that every file needs several. */
const smallChunks = { chunkBytes: 512 }

/** Wrappers between the job and its connectors. */
export interface Connections {
  readonly source?: <T, P extends Json>(source: Source<T, P>) => Source<T, P>
  readonly sink?: <T, C extends Json>(sink: Sink<T, C>) => Sink<T, C>
}

const idsOf = aggregator({
  kind: 'ids',
  version: 1,
  create: (): readonly number[] => [],
  add: (ids, { id }: Reading) => [...ids, id],
  merge: (earlier, later) => [...earlier, ...later],
  result: inOrder,
})

/**
 * A job with every kind of data in a checkpoint: file positions, windows, timers, state, calls in flight, and
 * the prepared output of two exactly-once sinks.
 *
 * Two sources of unequal speed meet before `mapAsync`, which is slower than both. So barriers must be
 * aligned, and there are calls in flight at every one of them.
 */
export function crashJob(clock: Clock, connections: Connections = {}): Pipeline {
  const { source = (each) => each, sink = (each) => each } = connections
  return pipeline('crash-points', (p) => {
    const timestamps = { timestamp: (reading: Reading) => reading.at, maxOutOfOrderness: disorderMs }
    const north = p
      .from('north', pacedSource(source(files.readNdjson<Reading>(northPaths, smallChunks)), 3), {
        onError: skip(),
      })
      .withTimestamps(timestamps)
    const south = p
      .from('south', pacedSource(source(files.readNdjson<Reading>(southPaths, smallChunks)), 1))
      .withTimestamps(timestamps)

    const windows = north
      .keyBy((reading) => reading.key)
      .window(sliding({ size: windowMs, slide: slideMs }))
      .aggregate('windows', { ids: idsOf })
    windows
      .map(({ key, window, ids }): OutputLine => ({ key, until: window.end, ids }))
      .union(windows.late.map(({ key, id }): OutputLine => ({ key, late: id })))
      .to('live', sink(files.writeNdjson<OutputLine>(livePath)))

    north
      .filter((reading) => reading.isStraggler !== true)
      .union(south)
      .mapAsync('look-up', (reading) => lookUp(reading, clock), { order: 'none', concurrency: 4 })
      .keyBy((reading) => reading.key)
      .process('buckets', {
        output: output<OutputLine>(),
        state: { buckets: state.map<number, readonly number[]>() },
        onRecord({ value, time }, { state: { buckets }, timers }) {
          const until = bucketOf(time)
          buckets.set(until, [...(buckets.get(until) ?? []), value.id])
          timers.setEvent(until)
        },
        onTimer({ key, time }, { state: { buckets }, emit }) {
          // Emits all remaining earlier buckets: there should be none.
          const due = [...buckets.entries()].filter(([until]) => until <= time)
          for (const [until] of due) buckets.delete(until)
          emit({ key, until: time, ids: inOrder(due.flatMap(([, ids]) => ids)) })
        },
      })
      .to('rolled', sink(files.writeNdjson<OutputLine>(rolledPath, { rollBytes: 150 })))
  })
}

async function lookUp(reading: Reading, clock: Clock): Promise<Reading> {
  await sleep(clock, reading.id % 7)
  return reading
}
