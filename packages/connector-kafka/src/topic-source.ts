import { durationMs, MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import type { Connect, ReadableCluster } from './cluster.ts'
import { invalid, type KafkaOptions } from './options.ts'
import { partitionOf, splitOf, type TopicPartition } from './record.ts'
import { checkStart, Starts, type StartAt } from './start.ts'
import { TopicReader, type Decode, type KafkaPosition } from './topic-reader.ts'

/** How topics are read. */
export interface ReadOptions extends KafkaOptions {
  /** One topic, several, or all whose whole name the pattern describes, also those that are made later. */
  readonly topic: string | readonly string[] | RegExp
  /** Where to begin without a checkpoint. Default `earliest`. */
  readonly from?: StartAt
  /** `committed`: only records of transactions that were committed. Default `committed`. */
  readonly isolation?: 'committed' | 'uncommitted'
  /**
   * A consumer group to which the offsets of the checkpoint are copied, for tools that show its lag. They are never read, and
   * the job is no member of the group. Default: none.
   */
  readonly group?: string
  /** How often to look for new topics and partitions. Default `'10s'`. */
  readonly discoverEvery?: Duration
  /**
   * What to do when records that were not read are gone, because they became too old: `fail`, or `continue` with the oldest
   * that is there, with a warning. Default `fail`.
   */
  readonly ifTrimmed?: 'fail' | 'continue'
}

/** The options that `ReadOptions` has beside those of a connection. */
export const readOptions = ['topic', 'from', 'isolation', 'group', 'discoverEvery', 'ifTrimmed'] as const

/** Throws `OPTION_INVALID` for options that cannot be meant. */
export function checkReadOptions(what: string, options: ReadOptions): void {
  const { topic, from, isolation = 'committed', group, discoverEvery = '10s', ifTrimmed = 'fail' } = options
  const names = topic instanceof RegExp ? ['pattern'] : typeof topic === 'string' ? [topic] : topic
  if (
    !Array.isArray(names) ||
    names.length === 0 ||
    names.some((name) => typeof name !== 'string' || name === '')
  ) {
    throw invalid(what, 'topic is no name, no list of names and no pattern')
  }
  checkStart(what, from)
  if (isolation !== 'committed' && isolation !== 'uncommitted') {
    throw invalid(what, `isolation is ${String(isolation)}; write 'committed' or 'uncommitted'`)
  }
  if (ifTrimmed !== 'fail' && ifTrimmed !== 'continue') {
    throw invalid(what, `ifTrimmed is ${String(ifTrimmed)}; write 'fail' or 'continue'`)
  }
  if (group !== undefined && (typeof group !== 'string' || group === ''))
    throw invalid(what, 'group has no name')
  positiveDurationMs(discoverEvery, `${what}: discoverEvery`)
}

/** Each partition is a split, and the offset of the next record is its position. */
export class TopicSource<T> implements Source<T, KafkaPosition> {
  readonly kind = 'kafka'
  readonly durability = 'replayable'
  readonly hasHeaders = true
  readonly decode?: (raw: Uint8Array) => T
  readonly discoverEveryMs: number
  readonly #connect: Connect<ReadableCluster>
  readonly #decode: Decode<T>
  readonly #options: ReadOptions
  readonly #starts: Starts
  readonly #readers = new Map<string, TopicReader<T>>()
  /** Topics of the options that were there once: such a topic may be deleted. */
  readonly #wasFound = new Set<string>()
  #cluster: Promise<ReadableCluster> | undefined
  #offsetsToNote = new Map<string, number>()

  /** `decodeRaw` decodes the value of a dead letter. */
  constructor(
    connect: Connect<ReadableCluster>,
    decode: Decode<T>,
    options: ReadOptions,
    decodeRaw?: (raw: Uint8Array) => T,
  ) {
    if (decodeRaw !== undefined) this.decode = decodeRaw
    this.#connect = connect
    this.#decode = decode
    this.#options = options
    this.#starts = new Starts(options.from ?? 'earliest')
    this.discoverEveryMs = durationMs(options.discoverEvery ?? '10s', 'discoverEvery')
  }

  async discover(context: ConnectorContext): Promise<Discovery> {
    const cluster = await this.#connected(context)
    const partitions = await this.#partitions(cluster, context)
    await this.#starts.keep(() => Promise.resolve(partitions), cluster, context)
    await this.#lookAtSilent(cluster, context)
    return { splits: partitions.map(splitOf), isComplete: context.isBounded }
  }

  async open(
    split: string,
    from: KafkaPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, KafkaPosition>> {
    const what = `source ${context.name}`
    const of = partitionOf(split)
    if (of === undefined)
      throw new MillraceError('SOURCE_FAILED', `${what}: ${split} is no partition of a topic`)
    const cluster = await this.#connected(context)
    const count = await cluster.partitions(of.topic)
    if (count === undefined || of.partition >= count) {
      const message = `${what}: ${split} is not on ${cluster.address}: the topic was deleted, or is on another cluster`
      throw new MillraceError('SOURCE_FAILED', message, { isFinal: true })
    }
    const { first, end } = await cluster.range(of)
    const begin =
      from?.offset ??
      (await this.#starts.of(split, () => this.#partitions(cluster, context), cluster, context)) ??
      first
    const start = this.#checked(split, begin, { first, end }, context)
    const { group } = this.#options
    const reader = new TopicReader<T>({
      what,
      name: context.name,
      split,
      of,
      start,
      end: context.isBounded ? end : undefined,
      decode: this.#decode,
      signal: context.signal,
      note: group === undefined ? undefined : (offset) => this.#note(split, offset, cluster, context),
    })
    this.#readers.set(split, reader)
    if (reader.isReading) reader.delivers(await cluster.feed(of, start, reader))
    return reader
  }

  async close(): Promise<void> {
    const cluster = this.#cluster
    this.#cluster = undefined
    this.#readers.clear()
    await (await cluster?.catch(() => undefined))?.close()
  }

  #connected(context: ConnectorContext): Promise<ReadableCluster> {
    if (this.#cluster === undefined) {
      const { group = 'millrace', isolation } = this.#options
      const readsUncommitted = isolation === 'uncommitted'
      const opening = this.#connect(`source ${context.name}`, context, { group, readsUncommitted })
      this.#cluster = opening
      opening.catch(() => (this.#cluster = undefined))
    }
    return this.#cluster
  }

  async #partitions(
    cluster: ReadableCluster,
    { name }: ConnectorContext,
  ): Promise<readonly TopicPartition[]> {
    const { topic } = this.#options
    const counts = new Map<string, number>()
    if (topic instanceof RegExp) {
      const whole = new RegExp(`^(?:${topic.source})$`, topic.flags.replaceAll(/[gy]/g, ''))
      for (const [found, count] of await cluster.topics()) {
        if (!found.startsWith('__') && whole.test(found)) counts.set(found, count)
      }
    } else {
      for (const wanted of typeof topic === 'string' ? [topic] : topic) {
        const count = await cluster.partitions(wanted)
        if (count !== undefined) counts.set(wanted, count)
        else if (!this.#wasFound.has(wanted)) {
          throw invalid(
            `source ${name}`,
            `there is no topic ${wanted} on ${cluster.address}; create it first`,
          )
        }
        this.#wasFound.add(wanted)
      }
    }
    return [...counts].flatMap(([found, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic: found, partition })),
    )
  }

  /** Looks at partitions that deliver nothing: because what they ask for is gone, which the client may not say, or paused. */
  async #lookAtSilent(cluster: ReadableCluster, context: ConnectorContext): Promise<void> {
    for (const [split, reader] of this.#readers) {
      const { awaited, isPaused } = reader
      if (awaited === undefined && !isPaused) continue
      const of = partitionOf(split)!
      const range = await cluster.range(of)
      reader.endsAt(range.end)
      const problem = awaited === undefined ? undefined : problemOf(awaited, range)
      if (problem === undefined || reader.awaited !== awaited) continue
      const message = `source ${context.name}: ${split} on ${cluster.address}: ${problem}`
      reader.failed(new MillraceError('SOURCE_FAILED', message))
    }
  }

  /** The offset to read from. Throws `SOURCE_FAILED` if records behind it are gone. */
  #checked(
    split: string,
    offset: number,
    range: { readonly first: number; readonly end: number },
    context: ConnectorContext,
  ): number {
    const problem = problemOf(offset, range)
    if (problem === undefined) return offset
    const message = `source ${context.name}: ${split}: ${problem}`
    if (this.#options.ifTrimmed === 'continue') {
      context.warn(`${message}; continuing at offset ${range.first}, the oldest that is there`)
      return range.first
    }
    const help =
      "keep records for longer (retention.ms), or set ifTrimmed: 'continue' to continue without them"
    throw new MillraceError('SOURCE_FAILED', `${message}; ${help}`, { isFinal: true })
  }

  /** Copies offsets to the group, those of all partitions at once. */
  #note(split: string, offset: number, cluster: ReadableCluster, context: ConnectorContext): void {
    const isFirst = this.#offsetsToNote.size === 0
    this.#offsetsToNote.set(split, offset)
    if (!isFirst) return
    queueMicrotask(() => {
      const offsets = [...this.#offsetsToNote].map(([of, noted]) => ({ ...partitionOf(of)!, offset: noted }))
      this.#offsetsToNote = new Map()
      cluster.commit(offsets).catch((error: unknown) => {
        if (context.signal.aborted) return
        context.warn(
          `source ${context.name}: offsets cannot be copied to group ${this.#options.group}, so its lag is not right; reading continues: ${String(error)}`,
        )
      })
    })
  }
}

/** Why records from an offset on cannot all be read; undefined if they can. Gaps between offsets are no loss. */
function problemOf(
  offset: number,
  { first, end }: { readonly first: number; readonly end: number },
): string | undefined {
  if (offset < first) {
    return `the records from offset ${offset} to ${first - 1} were deleted before they were read`
  }
  if (offset > end) {
    return `the last record is before offset ${end}, and those before ${offset} were read: the topic was deleted and made anew, or has lost records`
  }
  return undefined
}
