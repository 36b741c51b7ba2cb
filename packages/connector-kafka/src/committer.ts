import { describeError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { removeIfThere } from '@millrace/core/disk'
import { KafkaFailure, type Connect, type TransactionProducer, type WritableCluster } from './cluster.ts'
import { Patience } from './patience.ts'
import type { PackedBatch } from './record.ts'
import { readBlockFile } from '@millrace/segment-log'
import { decodeBatch, isThere, missingFile } from './staged-batch.ts'

/** The records of one subtask and one checkpoint, on disk and not committed yet. */
export interface StagedRecords {
  readonly [name: string]: string | number | null
  /** The id of the transactions that write them. */
  readonly id: string
  /** The topic in whose name the mark of the id is kept. */
  readonly topic: string
  readonly checkpoint: number
  /** The name of the file in the directory of the sink; null if there are no records, and only the mark is renewed. */
  readonly file: string | null
  readonly bytes: number
}

/** What to do with staged records if the cluster no longer knows whether they were committed. */
export type IfForgotten = 'fail' | 'write' | 'skip'

export interface CommitterOptions {
  readonly what: string
  readonly connect: Connect<WritableCluster>
  readonly id: string
  readonly topic: string
  readonly ifForgotten: IfForgotten
  /** The time after which the broker ends a transaction. */
  readonly transactionTimeoutMs: number
}

/**
 * Commits staged records, each once, whatever happens.
 *
 * A transaction writes the records of a checkpoint together with its number, the mark. After any doubt a new producer is
 * opened, which fences the one before it, and then the mark says whether the transaction was committed.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #context: ConnectorContext
  readonly #patience: Patience
  readonly cluster: WritableCluster
  #producer: TransactionProducer | undefined

  static async open(options: CommitterOptions, context: ConnectorContext): Promise<Committer> {
    const cluster = await options.connect(options.what, context, { group: options.id })
    return new Committer(options, cluster, context)
  }

  private constructor(options: CommitterOptions, cluster: WritableCluster, context: ConnectorContext) {
    this.#options = options
    this.#context = context
    this.#patience = new Patience(cluster.address, context)
    this.cluster = cluster
  }

  /** Fences earlier producers, and returns the mark. Where there is none it is set to 0. */
  async begin(): Promise<number> {
    return this.#repeat(async () => {
      const producer = await this.#opened()
      if (producer.mark === undefined) await producer.commit(noRecords(), 0)
      return producer.mark ?? 0
    })
  }

  /** Sets the mark to a checkpoint before the next. */
  async reset(mark: number): Promise<void> {
    await this.#repeat(async () => (await this.#opened()).commit(noRecords(), mark))
  }

  /** Commits records, if that was not done before, and removes their file. */
  async commit(staged: StagedRecords): Promise<void> {
    const { fs, directory } = this.#context
    await this.#repeat(() => this.#commitOnce(staged))
    if (staged.file !== null) await removeIfThere(fs, `${directory}/${staged.file}`)
  }

  async close(): Promise<void> {
    await this.#abandon()
    await this.cluster.close()
  }

  async #commitOnce({ checkpoint, file, bytes }: StagedRecords): Promise<void> {
    const { fs, directory, clock } = this.#context
    const producer = await this.#opened()
    if ((producer.mark ?? -1) >= checkpoint) return
    const path = file === null ? undefined : `${directory}/${file}`
    const isStaged = path !== undefined && (await isThere(fs, path))
    if (producer.mark === undefined) {
      // The file is removed only after its records are committed.
      if (!isStaged || this.#options.ifForgotten === 'skip') return
      if (this.#options.ifForgotten === 'fail') throw this.#forgotten(checkpoint, path)
    } else if (path !== undefined && !isStaged) {
      // A process that has replaced this one may have committed and removed it.
      await this.#context.owner.confirm()
      throw missingFile(this.#options.what, path, checkpoint)
    }
    const began = clock.monotonic()
    await producer.commit(
      path === undefined ? noRecords() : readBlockFile(fs, path, bytes, decodeBatch),
      checkpoint,
    )
    this.#noteAge(clock.monotonic() - began)
  }

  /** The producer of the id. One that is opened anew fences the one before it, so this process must be the owner. */
  async #opened(): Promise<TransactionProducer> {
    if (this.#producer === undefined) {
      await this.#context.owner.confirm()
      const { id, topic, transactionTimeoutMs } = this.#options
      this.#producer = await this.cluster.transactions(id, topic, transactionTimeoutMs)
    }
    return this.#producer
  }

  async #repeat<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await this.#patience.repeat(async () => {
        try {
          return await action()
        } catch (error) {
          await this.#abandon()
          throw error
        }
      })
    } catch (error) {
      if (!(error instanceof KafkaFailure)) throw error
      const message = `${this.#options.what}: records cannot be committed to Kafka on ${this.cluster.address}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }

  async #abandon(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.close()
  }

  #noteAge(ms: number): void {
    const { what, transactionTimeoutMs } = this.#options
    if (ms <= transactionTimeoutMs / 2) return
    this.#context.warn(
      `${what}: a transaction took ${Math.round(ms / 1_000)} s, and the broker ends it after ${Math.round(transactionTimeoutMs / 1_000)} s (transactionTimeout); take checkpoints more often, or allow more`,
    )
  }

  #forgotten(checkpoint: number, path: string): MillraceError {
    const message =
      `${this.#options.what}: Kafka on ${this.cluster.address} does not know whether the records of checkpoint ${checkpoint} were committed: ` +
      `it has forgotten after offsets.retention.minutes, or is another cluster. They are in ${path}. Look whether they are in ${this.#options.topic}, and set ifForgotten to 'skip' if they are, or to 'write' if not`
    return new MillraceError('SINK_FAILED', message, { isFinal: true })
  }
}

async function* noRecords(): AsyncIterable<readonly PackedBatch[]> {}
