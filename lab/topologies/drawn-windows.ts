/** The parts of drawn windows: assigners and aggregates of the library, and custom ones. */
import type { Codec } from '@millrace/core'
import {
  aggregator,
  collect,
  count,
  cumulative,
  max,
  mean,
  min,
  sliding,
  sum,
  sumBigint,
  tumbling,
  type Aggregate,
  type Aggregates,
  type Slice,
  type WindowAssigner,
  type WindowsFingerprint,
} from '@millrace/flow'
import { figuresEnd, passes, remainder, type Item } from './item.ts'
import type { AggregateSpec, PartOf, WindowShape } from './topology.ts'

/** The assigner of a shape. */
export function assignerOf({ sizeMs, slideMs, offsetMs, otherMs }: WindowShape): WindowAssigner {
  if (otherMs !== undefined) return new TurnsOfTwo(sizeMs, otherMs, offsetMs)
  const offset = offsetMs < 0 ? (`-${-offsetMs}ms` as const) : offsetMs
  return slideMs === undefined
    ? tumbling(sizeMs, { offset })
    : sliding({ size: sizeMs, slide: slideMs, offset })
}

/** The windows of a part with a trigger. */
export function paneWindowsOf({ windows, stepMs }: PartOf<'panes'>): WindowAssigner {
  if (windows === 'tumbling') return tumbling(stepMs)
  if (windows === 'cumulative') return cumulative({ maxSize: 3 * stepMs, step: stepMs })
  return sliding({ size: stepMs, slide: 2 * stepMs })
}

/** Windows of two alternating lengths, without a gap: like day and night shifts. */
class TurnsOfTwo implements WindowAssigner {
  readonly description: string
  readonly fingerprint: WindowsFingerprint
  readonly #firstMs: number
  readonly #bothMs: number
  readonly #offsetMs: number

  constructor(firstMs: number, secondMs: number, offsetMs: number) {
    this.description = `windows of ${firstMs} ms and ${secondMs} ms in turn`
    this.fingerprint = {
      kind: 'turns of two',
      settings: [
        { name: 'first', value: firstMs, unit: 'ms' },
        { name: 'second', value: secondMs, unit: 'ms' },
        { name: 'offset', value: offsetMs, unit: 'ms' },
      ],
    }
    this.#firstMs = firstMs
    this.#bothMs = firstMs + secondMs
    this.#offsetMs = offsetMs
  }

  slice(time: number): Slice {
    const within = remainder(time - this.#offsetMs, this.#bothMs)
    const isFirst = within < this.#firstMs
    const start = time - within + (isFirst ? 0 : this.#firstMs)
    const end = time - within + (isFirst ? this.#firstMs : this.#bothMs)
    return { start, end, firstWindowEnd: end, lastWindowEnd: end }
  }

  startOf(windowEnd: number): number {
    return this.slice(windowEnd - 1).start
  }
}

/** The aggregates, over the figures that `figure` returns. */
export function aggregatesOf(
  specs: readonly AggregateSpec[],
  figure: (item: Item) => number,
): Aggregates<Item> {
  return Object.fromEntries(specs.map((spec) => [spec.field, aggregateOf(spec, figure)]))
}

function aggregateOf(
  { kind, only }: AggregateSpec,
  figure: (item: Item) => number,
): Aggregate<Item, unknown, unknown> {
  const ofSome = (item: Item): number | undefined => {
    const counted = figure(item)
    return only === undefined || passes(only, item) ? counted : undefined
  }
  const bigintOfSome = (item: Item): bigint | undefined => {
    const counted = ofSome(item)
    return counted === undefined ? undefined : BigInt(counted)
  }
  // Accumulators are passed back unchanged, so their type does not matter here.
  const all = {
    count: () => count(ofSome),
    sum: () => sum(ofSome),
    sumBigint: () => sumBigint(bigintOfSome),
    min: () => min(figure),
    max: () => max(figure),
    mean: () => mean(figure),
    collect: () => collect(figure),
    trail: () => trail(figure),
    distinct: () => distinct(figure),
    countAll: () => count<Item>(),
    collectAll: () => collect<Item>(),
  }
  return all[kind]()
}

/** A hash of a sequence of numbers, and the factor by which a prefix is multiplied. */
interface Trail {
  fold: number
  power: number
}

const trailCodec: Codec<Trail> = {
  id: 'trail',
  version: 1,
  encode({ fold, power }, out) {
    out.varint(fold)
    out.varint(power)
  },
  decode: (input) => ({ fold: input.varint(), power: input.varint() }),
}

/** A custom aggregate that changes its accumulator in place, has a codec, and depends on the order. */
function trail(figure: (item: Item) => number): Aggregate<Item, Trail, number> {
  return aggregator({
    kind: 'trail',
    version: 1,
    create: () => ({ fold: 0, power: 1 }),
    add(before: Trail, item: Item) {
      const next = figure(item)
      before.fold = (before.fold * 31 + next) % figuresEnd
      before.power = (before.power * 31) % figuresEnd
      return before
    },
    merge(earlier, later) {
      earlier.fold = (earlier.fold * later.power + later.fold) % figuresEnd
      earlier.power = (earlier.power * later.power) % figuresEnd
      return earlier
    },
    result: ({ fold, power }) => (fold + 7 * power) % figuresEnd,
    codec: trailCodec,
  })
}

/** A custom aggregate whose accumulators are encoded by the engine. */
function distinct(figure: (item: Item) => number): Aggregate<Item, Set<number>, number> {
  return aggregator({
    kind: 'distinct',
    version: 1,
    create: () => new Set<number>(),
    add: (figures: Set<number>, item: Item) => figures.add(figure(item)),
    merge(earlier, later) {
      for (const each of later) earlier.add(each)
      return earlier
    },
    result: ({ size }) => size,
  })
}
