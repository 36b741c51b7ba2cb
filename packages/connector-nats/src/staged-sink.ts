import {
  type Batch,
  type ConnectorContext,
  type RejectRecord,
  type Server,
  ServerConnector,
  type Sink,
  type SinkWriter,
} from '@millrace/core/connector'
import { removeIfThere } from '@millrace/core/disk'
import { BlockFile, namesIn } from '@millrace/segment-log'
import { Committer, type IfForgotten } from './committer.ts'
import { invalid, type Link } from './options.ts'
import { Outgoing, type OutgoingOptions, type ReadyMessage } from './outgoing.ts'
import { encodeMessage, type StagedMessages } from './staged-messages.ts'
import type { NatsConnection } from '@nats-io/transport-node'

/**
 * Writes messages exactly once. They are kept in a file of the data directory until their checkpoint is durable, and are then
 * written, each with an id (docs/design/023-nats-exactly-once.md).
 */
export class StagedSink<T> implements Sink<T, StagedMessages> {
  readonly kind = 'nats'
  readonly guarantee = 'exactly-once'
  readonly reconnects = true
  readonly #connector: ServerConnector<NatsConnection>
  readonly #options: OutgoingOptions<T>
  readonly #ifForgotten: IfForgotten

  constructor(server: Server<NatsConnection>, options: OutgoingOptions<T>, ifForgotten: IfForgotten) {
    this.#connector = new ServerConnector(server)
    this.#options = options
    this.#ifForgotten = ifForgotten
  }

  async check(_pending: readonly StagedMessages[], context: ConnectorContext): Promise<void> {
    const { link } = await this.#begun(context)
    link.close()
  }

  async open(
    subtask: number,
    pending: readonly StagedMessages[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, StagedMessages>> {
    const { link, outgoing } = await this.#begun(context)
    const committer = new Committer(`sink ${context.name}`, link, context, this.#ifForgotten)
    try {
      if (subtask === 0) {
        for (const staged of pending) await committer.commit(staged)
        await discardUnnamed(context)
      }
      const { owner, random } = context
      const prefix = `staged-${owner.epoch}-${random.int(2 ** 48).toString(36)}-${subtask}`
      const { stream } = this.#options
      return new StagedWriter({ prefix, stream, link, outgoing, committer, context })
    } catch (error) {
      link.close()
      throw error
    }
  }

  async #begun(context: ConnectorContext): Promise<{ link: Link; outgoing: Outgoing<T> }> {
    const what = `sink ${context.name}`
    const link = await this.#connector.link(what, context)
    try {
      const outgoing = new Outgoing(this.#options)
      const { config } = await link.repeat((nc) => outgoing.begin(nc, what))
      const retention: string = config.retention
      if (retention === 'limits') return { link, outgoing }
      throw invalid(
        what,
        `stream ${this.#options.stream} has the retention ${retention}: it forgets messages that were read, so nothing can tell after a crash whether they were written; set guarantee: 'at-least-once', or write to a stream with the retention limits`,
      )
    } catch (error) {
      link.close()
      throw error
    }
  }
}

interface WriterParts<T> {
  /** The beginning of the names of its files; no other writer has it. */
  readonly prefix: string
  readonly stream: string
  readonly link: Link
  readonly outgoing: Outgoing<T>
  readonly committer: Committer
  readonly context: ConnectorContext
}

class StagedWriter<T> implements SinkWriter<T, StagedMessages> {
  readonly #parts: WriterParts<T>
  #staged: BlockFile<ReadyMessage> | undefined
  #count = 0
  #files = 0

  constructor(parts: WriterParts<T>) {
    this.#parts = parts
  }

  get bytesWritten(): number {
    return this.#parts.outgoing.bytes
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    const { outgoing, prefix, context } = this.#parts
    const { fs, directory } = context
    await outgoing.each(batch, reject, (message) => {
      this.#staged ??= new BlockFile(fs, directory, `${prefix}-${this.#files++}`, encodeMessage)
      this.#count++
      return this.#staged.add(message) ? this.#staged.write() : undefined
    })
  }

  async prepare(checkpoint: number): Promise<StagedMessages | undefined> {
    const staged = this.#staged
    if (staged === undefined) return undefined
    const { stream, committer } = this.#parts
    const place = await committer.begin(stream)
    const bytes = await staged.finish()
    const count = this.#count
    this.#staged = undefined
    this.#count = 0
    return { ...place, checkpoint, file: staged.name, bytes, count }
  }

  commit(staged: StagedMessages): Promise<void> {
    return this.#parts.committer.commit(staged)
  }

  async close(): Promise<void> {
    this.#parts.link.close()
    await this.#staged?.discard()
  }
}

/** Removes files of earlier runs that no checkpoint names. What a checkpoint names was written, and removed, before. */
async function discardUnnamed({ fs, directory, owner }: ConnectorContext): Promise<void> {
  for (const name of await namesIn(fs, directory)) {
    const [, epoch] = /^staged-(\d+)-/.exec(name) ?? []
    if (epoch !== undefined && Number(epoch) <= owner.epoch) await removeIfThere(fs, `${directory}/${name}`)
  }
}
