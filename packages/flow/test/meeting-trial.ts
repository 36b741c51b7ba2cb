/**
 * Runs an operator of two inputs over random records: in any order of arrival within the bound, in batches of
 * any size, restored at any point and at any parallelism. The results must always be those of the records.
 */
import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { pipeline, type PipelineBuilder, type TimedStream } from '@millrace/flow'
import { operatorHarness, type BatchRecord, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'

/** A record of either stream. */
export interface Item {
  readonly id: number
  readonly key: string
  readonly at: number
}

/** Records, and how to run them. */
export interface Arrivals<T> {
  /** In the order of arrival, each with its watermark. */
  readonly arrivals: readonly BatchRecord<T>[]
  readonly batch: number
  /** After which records there is a restart, and with how many subtasks. */
  readonly restarts: ReadonlyMap<number, number>
  readonly isTight: boolean
  /** Whether the input ends before each restart, and resumes after it. */
  readonly endsBetween?: boolean
}

/** The records of two streams. */
export interface MeetingCase extends Arrivals<Item> {
  readonly left: readonly Item[]
  readonly right: readonly Item[]
}

const disorder = 8

interface Draw {
  readonly records: readonly {
    readonly key: string
    readonly at: number
    readonly input: number
    readonly delay: number
  }[]
  readonly lag: number
  readonly batch: number
  readonly restarts: readonly (readonly [number, number])[]
  readonly isTight: boolean
}

/** Streams of few keys and times, so that many records match. One of them may lag behind the other. */
export const meetings: fc.Arbitrary<MeetingCase> = fc
  .record({
    records: fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        at: fc.integer({ min: -20, max: 40 }),
        input: fc.integer({ min: 0, max: 1 }),
        delay: fc.integer({ min: 0, max: disorder }),
      }),
      { maxLength: 40 },
    ),
    lag: fc.integer({ min: -30, max: 30 }),
    batch: fc.integer({ min: 1, max: 7 }),
    restarts: fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 4 })), { maxLength: 3 }),
    isTight: fc.boolean(),
  })
  .map(caseOf)

function caseOf({ records, lag, batch, restarts, isTight }: Draw): MeetingCase {
  const items = records.map(({ key, at }, id): Item => ({ id, key, at }))
  const of = (input: number): readonly Item[] => items.filter(({ id }) => records[id]!.input === input)
  const comesAt = ({ id, at }: Item): number => at + records[id]!.delay + (records[id]!.input === 1 ? lag : 0)
  const order = items.toSorted((a, b) => comesAt(a) - comesAt(b))
  return {
    left: of(0),
    right: of(1),
    arrivals: withWatermarks(order, records),
    batch,
    restarts: new Map(restarts),
    isTight,
  }
}

/** The watermark is the lower of both inputs; an input ends with its last record. */
function withWatermarks(order: readonly Item[], records: Draw['records']): readonly BatchRecord<Item>[] {
  const newest = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const left = [0, 1].map((input) => records.filter((record) => record.input === input).length)
  return order.map((item) => {
    const { input } = records[item.id]!
    const open = newest.filter((_, each) => left[each]! > 0)
    const record = { value: item, time: item.at, input, watermark: Math.min(...open) - disorder }
    newest[input] = Math.max(newest[input]!, item.at)
    left[input]!--
    return record
  })
}

/** The operator that `build` creates for two streams. */
export function meetingOf(
  build: (left: TimedStream<Item>, right: TimedStream<Item>) => TimedStream<unknown>,
): OperatorNode {
  const stream = (p: PipelineBuilder, name: string): TimedStream<Item> =>
    p.from(name, memory.read<Item>({})).withTimestamps({ timestamp: ({ at }) => at })
  const { graph } = pipeline('trial', (p) => {
    build(stream(p, 'left'), stream(p, 'right')).to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** Runs a case to its end. */
export function runMeeting<T>(node: OperatorNode, trial: Arrivals<T>): OperatorHarness<T> {
  const { arrivals, batch, restarts, isTight, endsBetween = false } = trial
  const harness = operatorHarness<T>(() => node.create(), {
    inputs: keysOf(node),
    outputs: node.outputs,
    isTight,
  })
  let waiting: BatchRecord<T>[] = []
  const flush = (): void => {
    if (waiting.length > 0) harness.batch(waiting)
    waiting = []
  }
  for (const [index, record] of arrivals.entries()) {
    waiting.push(record)
    const parallelism = restarts.get(index)
    if (waiting.length >= batch || parallelism !== undefined) flush()
    if (parallelism === undefined) continue
    if (endsBetween) harness.end()
    harness.snapshotAndRestore(parallelism)
  }
  flush()
  harness.end()
  return harness
}

/** Every pair of a left and a right record of one key. */
export function pairsOf({
  left,
  right,
}: Pick<MeetingCase, 'left' | 'right'>): readonly (readonly [Item, Item])[] {
  return left.flatMap((l) => right.filter((r) => r.key === l.key).map((r) => [l, r] as const))
}
