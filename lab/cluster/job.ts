/** The job of a scenario, with the product's own source and sink for Kafka. */
import type { KafkaPort, World } from '@millrace/connector-kafka/port'
import type { Graph } from '@millrace/core/graph'
import {
  connectBroadcast,
  count,
  join,
  output,
  pipeline,
  state,
  sum,
  tumbling,
  type KeyedValue,
  type PipelineBuilder,
  type TimedKeyedStream,
  type TimedStream,
} from '@millrace/flow'
import type { ReadableCluster } from '../../packages/connector-kafka/src/cluster.ts'
import { TopicSource } from '../../packages/connector-kafka/src/topic-source.ts'
import { TransactionSink } from '../../packages/connector-kafka/src/transaction-sink.ts'
import { ledgerSink, type CallLedger } from './ledger.ts'
import { partName, regroupedKey, type Row } from './rows.ts'
import { closingTime, lastKey, type InputSpec, type Item, type PartSpec, type Scenario } from './scenario.ts'

/** The topic that all parts of the job write to. */
export const outputTopic = 'results'
/** The name of the job. */
export const jobName = 'job'

/** What the graph of one lease is made with. */
export interface JobParts {
  readonly scenario: Scenario
  /** Opens the cluster for a source. */
  readonly openPort: (world: World) => KafkaPort
  readonly address: string
  /** Called with each record that is read; it may throw. */
  readonly meet: (item: Item) => void
  readonly callLedger: CallLedger
}

/** Builds the graph of the job, with sources and sinks of its own. */
export function graphOf(parts: JobParts): Graph {
  const { scenario } = parts
  return pipeline(jobName, (p) => {
    const streams = new Map<number, Items>()
    const streamOf = (input: number): Items => {
      const stream = streams.get(input) ?? read(p, scenario.inputs[input]!, parts)
      streams.set(input, stream)
      return stream
    }
    for (const [index, spec] of scenario.parts.entries()) {
      const name = partName(spec, index)
      const results = resultsOf(spec, name, spec.inputs.map(streamOf))
      results.to(`${name}-out`, spec.kind === 'ledger' ? ledgerSink(parts.callLedger) : write(parts))
    }
  }).describe().graph
}

type Items = TimedStream<Item>

function read(p: PipelineBuilder, spec: InputSpec, { openPort, meet }: JobParts): Items {
  const connect = (_what: string, world: World): Promise<ReadableCluster> => {
    const port = openPort(world)
    return Promise.resolve({
      address: port.address,
      topics: () => port.topics(),
      partitions: (topic) => port.partitions(topic),
      range: (of) => port.range(of),
      feed: (of, from, listener) => port.feed(of, from, listener),
      close: () => port.close(),
      offsetAt: () => Promise.reject(new Error('no input begins at a time')),
      commit: () => Promise.resolve(),
    })
  }
  const decoder = new TextDecoder()
  const source = new TopicSource(
    connect,
    ({ value }) => JSON.parse(decoder.decode(value ?? undefined)) as Item,
    {
      brokers: 'memory:9092',
      topic: spec.name,
    },
  )
  return p
    .from(spec.name, source)
    .withTimestamps({ timestamp: ({ at }) => at, unit: 'ms', maxOutOfOrderness: spec.disorderMs })
    .map((item) => {
      meet(item)
      return item
    })
    .filter(({ key }) => key !== lastKey)
}

function write({ address, scenario }: JobParts): TransactionSink<Row> {
  const recordOf = (row: Row) => ({ key: `${row.part} ${row.key}`, value: JSON.stringify(row) })
  const outgoing = { topic: outputTopic, recordOf, maxRecordBytes: scenario.setting.sinkBytes }
  return new TransactionSink(
    () => Promise.reject(new Error('the sink writes in the transaction of its lease')),
    outgoing,
    {
      address,
      idPrefix: 'millrace',
      transactionTimeoutMs: 60_000,
      ifForgotten: 'fail',
      compressor: undefined,
    },
  )
}

function resultsOf({ kind, sizeMs }: PartSpec, name: string, inputs: readonly Items[]): TimedStream<Row> {
  const [first, second = first] = inputs as [Items, Items?]
  const row = (key: string, text: string): Row => ({ part: name, key, text })
  const counted = ({ key, value }: { readonly key: string; readonly value: number }): Row =>
    row(key, String(value))
  switch (kind) {
    case 'copy':
      return first.map(({ key, id }) => row(key, id))
    case 'windows':
    case 'late windows':
      return byKey(first)
        .window(tumbling(sizeMs))
        .aggregate(name, { n: count(), total: sum(({ n }) => n) })
        .map(({ key, window, n, total }) => row(key, `${window.start} ${n} ${total}`))
    case 'running':
    case 'ledger':
      return running(byKey(first), name).map(counted)
    case 'regrouped': {
      const regrouped = running(byKey(first), `${name}-first`).map(({ value }) => regroupedKey(value))
      return running(
        regrouped.keyBy((key) => key),
        name,
      ).map(counted)
    }
    case 'union':
      return running(byKey(first.union(second)), name).map(counted)
    case 'timers':
      return timers(first, name, sizeMs)
    case 'join':
      return join(byKey(first), byKey(second))
        .between(-sizeMs, sizeMs)
        .inner(name, (left, right) => row(left.key, `${left.id} ${right.id}`))
    case 'broadcast':
      return broadcast(first, second, name)
    case 'windows of windows':
      return byKey(first)
        .window(tumbling(sizeMs))
        .aggregate(`${name}-first`, { n: count() })
        .keyBy(({ n }) => n)
        .window(tumbling(4 * sizeMs))
        .aggregate(name, { windows: count() })
        .map(({ key, window, windows }) => row(String(key), `${window.start} ${windows}`))
    case 'window of all':
      return first
        .window(tumbling(sizeMs))
        .aggregate(name, { n: count(), total: sum(({ n }) => n) })
        .map(({ window, n, total }) => row('all', `${window.start} ${n} ${total}`))
  }
}

type ByKey<T> = TimedKeyedStream<T, string>

function byKey(items: Items): ByKey<Item> {
  return items.keyBy(({ key }) => key)
}

/** Numbers the records of each key. */
function running(keyed: ByKey<unknown>, name: string): TimedStream<KeyedValue<string, number>> {
  return keyed.scan(
    name,
    () => 0,
    (before) => before + 1,
  )
}

/** Counts what each key has in a span of time, which a timer ends. */
function timers(items: Items, name: string, sizeMs: number): TimedStream<Row> {
  return byKey(items).process(name, {
    output: output<Row>(),
    state: { counts: state.map<number, number>() },
    onRecord: ({ time }, { state: { counts }, timers: due }) => {
      const end = (Math.floor(time / sizeMs) + 1) * sizeMs
      counts.set(end, (counts.get(end) ?? 0) + 1)
      due.setEvent(end)
    },
    onTimer: ({ key, time }, { state: { counts }, emit }) => {
      emit({ part: name, key, text: `${time} ${counts.get(time) ?? 0}` })
      counts.delete(time)
    },
  })
}

/** Counts for each key at the closing time, together with all that was broadcast. */
function broadcast(items: Items, rules: Items, name: string): TimedStream<Row> {
  return connectBroadcast(byKey(items), rules).process(name, {
    output: output<Row>(),
    state: { seen: state.value<number>() },
    broadcast: { rules: state.map<string, number>() },
    // A rule that comes twice is there twice.
    onBroadcast: ({ value }, { broadcast: { rules: known } }) =>
      known.set(`${value.id} ${known.has(`${value.id} once`) ? 'again' : 'once'}`, value.n),
    onRecord: (_, { state: { seen }, timers: due }) => {
      seen.set((seen.get() ?? 0) + 1)
      due.setEvent(closingTime)
    },
    onTimer: ({ key, time }, { state: { seen }, broadcast: { rules: known }, emit }) => {
      let total = 0
      for (const [, n] of known.entries()) total += n
      emit({ part: name, key, text: `${time} ${seen.get()} ${known.size} ${total}` })
    },
  })
}
