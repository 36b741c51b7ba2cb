import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import { removeIfThere } from '@millrace/core/disk'
import type { Cluster, Connect, WritableCluster } from './cluster.ts'
import { Committer, type IfForgotten, type StagedRecords } from './committer.ts'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'
import { BlockFile, namesIn } from '@millrace/segment-log'
import { isSameCluster, JoiningSink, type JoinsTransaction, type OpenCollector } from './joining-sink.ts'
import { Packing } from './packing.ts'
import type { PackedBatch } from './record.ts'
import { encodeBatch } from './staged-batch.ts'
import type { Compressor } from './wire/compression.ts'

/** How transactions are made. */
export interface TransactionOptions {
  /** The brokers of the options. */
  readonly address: string
  readonly idPrefix: string
  readonly transactionTimeoutMs: number
  readonly ifForgotten: IfForgotten
  readonly compressor: Compressor | undefined
}

/** The mark is renewed after this time without records, so that the cluster does not forget it. */
const renewAfterMs = 3_600_000

/**
 * Writes records exactly once. They are kept in a file of the data directory until their checkpoint is durable, and are then
 * written in one transaction (docs/design/021-kafka-exactly-once.md).
 */
export class TransactionSink<T> implements Sink<T, StagedRecords>, JoinsTransaction<T> {
  readonly kind = 'kafka'
  readonly guarantee = 'exactly-once'
  readonly reconnects = true
  readonly #connect: Connect<WritableCluster>
  readonly #outgoing: OutgoingOptions<T>
  readonly #options: TransactionOptions

  constructor(connect: Connect<WritableCluster>, outgoing: OutgoingOptions<T>, options: TransactionOptions) {
    this.#connect = connect
    this.#outgoing = outgoing
    this.#options = options
  }

  async check(_pending: readonly StagedRecords[], context: ConnectorContext): Promise<void> {
    const what = `sink ${context.name}`
    const cluster = await this.#connect(what, context, { group: this.#id(0, context) })
    try {
      await new Outgoing(this.#outgoing, cluster, context.clock).checkTopic(what)
    } finally {
      await cluster.close()
    }
  }

  async open(
    subtask: number,
    pending: readonly StagedRecords[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, StagedRecords>> {
    if (subtask === 0) {
      await this.#commitAll(pending, context)
      await discardUnnamed(context)
    }
    const id = this.#id(subtask, context)
    const committer = await this.#committer(id, this.#outgoing.topic, context)
    try {
      const mark = await committer.begin()
      const prefix = `staged-${context.owner.epoch}-${context.random.int(2 ** 48).toString(36)}-${subtask}`
      return new TransactionWriter({
        id,
        mark,
        prefix,
        committer,
        outgoing: this.#outgoing,
        compressor: this.#options.compressor,
        context,
      })
    } catch (error) {
      await committer.close()
      throw error
    }
  }

  within(cluster: Pick<Cluster, 'address' | 'partitions'>, open: OpenCollector): JoiningSink<T> | undefined {
    const { address, compressor } = this.#options
    if (!isSameCluster(address, cluster.address)) return undefined
    const commit = (pending: readonly StagedRecords[], context: ConnectorContext): Promise<void> =>
      this.#commitAll(pending, context)
    return new JoiningSink({ outgoing: this.#outgoing, compressor, cluster, open, commit })
  }

  /** Commits what an earlier run has prepared, by the ids that it had. */
  async #commitAll(pending: readonly StagedRecords[], context: ConnectorContext): Promise<void> {
    const committers = new Map<string, Committer>()
    try {
      for (const staged of pending) {
        const { id, topic } = staged
        const place = JSON.stringify([id, topic])
        const committer = committers.get(place) ?? (await this.#committer(id, topic, context))
        committers.set(place, committer)
        await committer.commit(staged)
      }
    } finally {
      for (const committer of committers.values()) await committer.close()
    }
  }

  #committer(id: string, topic: string, context: ConnectorContext): Promise<Committer> {
    const { ifForgotten, transactionTimeoutMs } = this.#options
    const what = `sink ${context.name}`
    return Committer.open(
      { what, connect: this.#connect, id, topic, ifForgotten, transactionTimeoutMs },
      context,
    )
  }

  #id(subtask: number, { owner, name }: ConnectorContext): string {
    return `${this.#options.idPrefix}-${owner.job}-${name}-${subtask}`
  }
}

interface WriterParts<T> {
  readonly id: string
  readonly mark: number
  /** The beginning of the names of its files; no other writer has it. */
  readonly prefix: string
  readonly committer: Committer
  readonly outgoing: OutgoingOptions<T>
  readonly compressor: Compressor | undefined
  readonly context: ConnectorContext
}

class TransactionWriter<T> implements SinkWriter<T, StagedRecords> {
  readonly #parts: WriterParts<T>
  readonly #outgoing: Outgoing<T>
  readonly #packing: Packing
  #staged: BlockFile<PackedBatch> | undefined
  #files = 0
  #isFirst = true
  #committedAt: number

  constructor(parts: WriterParts<T>) {
    this.#parts = parts
    const { outgoing, compressor, committer, context } = parts
    this.#outgoing = new Outgoing(outgoing, committer.cluster, context.clock)
    this.#packing = new Packing({ compressor, maxRecordBytes: outgoing.maxRecordBytes }, context)
    this.#committedAt = context.clock.monotonic()
  }

  get bytesWritten(): number {
    return this.#outgoing.bytes
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    await this.#outgoing.each(batch, reject, (record, partitions) => {
      const finished = this.#packing.add(record, partitions)
      return finished.length === 0 ? undefined : this.#stage(finished)
    })
  }

  async prepare(checkpoint: number): Promise<StagedRecords | undefined> {
    await this.#requireOrder(checkpoint)
    await this.#stage(this.#packing.takeAll())
    const staged = this.#staged
    this.#staged = undefined
    const { id, outgoing, context } = this.#parts
    const place = { id, topic: outgoing.topic, checkpoint }
    if (staged !== undefined) return { ...place, file: staged.name, bytes: await staged.finish() }
    const isOld = context.clock.monotonic() - this.#committedAt > renewAfterMs
    return isOld ? { ...place, file: null, bytes: 0 } : undefined
  }

  async commit(staged: StagedRecords): Promise<void> {
    await this.#parts.committer.commit(staged)
    this.#committedAt = this.#parts.context.clock.monotonic()
  }

  async close(): Promise<void> {
    await this.#staged?.discard()
    await this.#parts.committer.close()
  }

  /** Adds batches to the file of the checkpoint. */
  async #stage(batches: readonly PackedBatch[]): Promise<void> {
    const { context, prefix } = this.#parts
    for (const batch of batches) {
      this.#staged ??= new BlockFile(
        context.fs,
        context.directory,
        `${prefix}-${this.#files++}.records`,
        encodeBatch,
      )
      if (this.#staged.add(batch)) await this.#staged.write()
    }
  }

  /** A job that was restored from an older copy of its data directory counts checkpoints that were committed before. */
  async #requireOrder(checkpoint: number): Promise<void> {
    const { mark, committer, context, outgoing } = this.#parts
    if (this.#isFirst && mark >= checkpoint) {
      context.warn(
        `sink ${context.name}: ${outgoing.topic} has records up to checkpoint ${mark}, and this job continues with ${checkpoint}: it was restored from an older copy or an older checkpoint, and writes again what came after it`,
      )
      await committer.reset(checkpoint - 1)
    }
    this.#isFirst = false
  }
}

/** Removes files of earlier runs that no checkpoint names. What a checkpoint names was committed, and removed, before. */
async function discardUnnamed({ fs, directory, owner }: ConnectorContext): Promise<void> {
  for (const name of await namesIn(fs, directory)) {
    const [, epoch] = /^staged-(\d+)-.*\.records$/s.exec(name) ?? []
    if (epoch !== undefined && Number(epoch) <= owner.epoch) await removeIfThere(fs, `${directory}/${name}`)
  }
}
