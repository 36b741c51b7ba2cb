import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { Cluster } from './cluster.ts'
import type { StagedRecords } from './committer.ts'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'
import { Packing } from './packing.ts'
import type { PackedBatch } from './record.ts'
import type { Compressor } from './wire/compression.ts'

/** Takes the records of one sink, which become visible in a transaction of another part of the job. */
export interface RecordCollector {
  /** Keeps batches for the checkpoint in progress. Resolves when there is room for more. */
  collect(batches: readonly PackedBatch[]): Promise<void>
  /** What was collected belongs to the checkpoint that is prepared now. */
  prepare(): Promise<void>
}

/** Opens the collector of one sink. */
export type OpenCollector = (context: ConnectorContext) => Promise<RecordCollector>

/** A sink that can write in the transaction of another part of the job. */
export interface JoinsTransaction<T> {
  /** The sink as a part of such a transaction; undefined if it writes to another cluster. */
  within(cluster: Pick<Cluster, 'address' | 'partitions'>, open: OpenCollector): Sink<T> | undefined
}

/**
 * A sink as a part of a transaction of its cluster, if it can be one: `kafka.write` and its relatives with the guarantee exactly-once.
 * Undefined for every other sink.
 */
export function withinTransaction<T>(
  sink: Sink<T> & Partial<JoinsTransaction<T>>,
  cluster: Pick<Cluster, 'address' | 'partitions'>,
  open: OpenCollector,
): Sink<T> | undefined {
  return sink.within?.(cluster, open)
}

/** The parts of a sink that joins a transaction. */
export interface JoiningParts<T> {
  readonly outgoing: OutgoingOptions<T>
  readonly compressor: Compressor | undefined
  readonly cluster: Pick<Cluster, 'address' | 'partitions'>
  readonly open: OpenCollector
  /** Commits what an earlier run has prepared in transactions of its own. */
  readonly commit: (pending: readonly StagedRecords[], context: ConnectorContext) => Promise<void>
}

/** Writes records exactly once: they become visible in the transaction of the job's checkpoint. */
export class JoiningSink<T> implements Sink<T, StagedRecords> {
  readonly kind = 'kafka'
  readonly guarantee = 'exactly-once'
  readonly reconnects = true
  readonly #parts: JoiningParts<T>

  constructor(parts: JoiningParts<T>) {
    this.#parts = parts
  }

  async check(_pending: readonly StagedRecords[], context: ConnectorContext): Promise<void> {
    await this.#outgoing(context).checkTopic(`sink ${context.name}`)
  }

  async open(
    subtask: number,
    pending: readonly StagedRecords[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, StagedRecords>> {
    const { open, commit, compressor, outgoing } = this.#parts
    if (subtask === 0 && pending.length > 0) await commit(pending, context)
    const packing = new Packing({ compressor, maxRecordBytes: outgoing.maxRecordBytes }, context)
    return new JoiningWriter(this.#outgoing(context), packing, await open(context))
  }

  #outgoing({ clock }: ConnectorContext): Outgoing<T> {
    return new Outgoing(this.#parts.outgoing, this.#parts.cluster, clock)
  }
}

class JoiningWriter<T> implements SinkWriter<T, StagedRecords> {
  readonly #outgoing: Outgoing<T>
  readonly #packing: Packing
  readonly #collector: RecordCollector

  constructor(outgoing: Outgoing<T>, packing: Packing, collector: RecordCollector) {
    this.#outgoing = outgoing
    this.#packing = packing
    this.#collector = collector
  }

  get bytesWritten(): number {
    return this.#outgoing.bytes
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    await this.#outgoing.each(batch, reject, (record, partitions) => {
      const finished = this.#packing.add(record, partitions)
      return finished.length === 0 ? undefined : this.#collector.collect(finished)
    })
  }

  async prepare(): Promise<undefined> {
    await this.#collector.collect(this.#packing.takeAll())
    await this.#collector.prepare()
    return undefined
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Whether two lists of brokers have one in common. */
export function isSameCluster(one: string, other: string): boolean {
  const brokers = new Set(one.split(','))
  return other.split(',').some((broker) => brokers.has(broker))
}
