import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import {
  type Batch,
  type ConnectorContext,
  type RejectRecord,
  type Server,
  ServerConnector,
  type Sink,
  type SinkWriter,
} from '@millrace/core/connector'
import { Outgoing, type OutgoingOptions } from './outgoing.ts'
import { publishAll, publishedAtOnce, type NamedMessage } from './publish.ts'
import type { Link } from './options.ts'
import type { NatsConnection } from '@nats-io/transport-node'

/** Writes messages at least once: they are sent at once, and `write` waits until the stream has them. */
export class PlainSink<T> implements Sink<T, never> {
  readonly kind = 'nats-plain'
  readonly guarantee = 'at-least-once'
  readonly reconnects = true
  readonly #connector: ServerConnector<NatsConnection>
  readonly #options: OutgoingOptions<T>

  constructor(server: Server<NatsConnection>, options: OutgoingOptions<T>) {
    this.#connector = new ServerConnector(server)
    this.#options = options
  }

  async check(_pending: readonly never[], context: ConnectorContext): Promise<void> {
    const { link } = await this.#begun(context)
    link.close()
  }

  async open(
    subtask: number,
    _pending: readonly never[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, never>> {
    const { link, outgoing } = await this.#begun(context)
    const { owner, random } = context
    const prefix = `${owner.epoch}-${random.int(2 ** 48).toString(36)}-${subtask}`
    return new PlainWriter(`sink ${context.name}`, this.#options, { link, outgoing, prefix })
  }

  async #begun(context: ConnectorContext): Promise<{ link: Link; outgoing: Outgoing<T> }> {
    const what = `sink ${context.name}`
    const link = await this.#connector.link(what, context)
    try {
      const outgoing = new Outgoing(this.#options)
      await link.repeat((nc) => outgoing.begin(nc, what))
      return { link, outgoing }
    } catch (error) {
      link.close()
      throw error
    }
  }
}

interface PlainWriterParts<T> {
  readonly link: Link
  readonly outgoing: Outgoing<T>
  /** The beginning of its ids; no other writer has it. */
  readonly prefix: string
}

class PlainWriter<T> implements SinkWriter<T, never> {
  readonly #what: string
  readonly #options: OutgoingOptions<T>
  readonly #parts: PlainWriterParts<T>
  #messages: NamedMessage[] = []
  #sent = 0

  constructor(what: string, options: OutgoingOptions<T>, parts: PlainWriterParts<T>) {
    this.#what = what
    this.#options = options
    this.#parts = parts
  }

  get bytesWritten(): number {
    return this.#parts.outgoing.bytes
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    const { outgoing, prefix } = this.#parts
    await outgoing.each(batch, reject, (message) => {
      this.#messages.push({ id: message.id ?? `${prefix}-${this.#sent++}`, message })
      return this.#messages.length < publishedAtOnce ? undefined : this.#send()
    })
    await this.#send()
  }

  async prepare(): Promise<undefined> {}

  close(): Promise<void> {
    this.#parts.link.close()
    return Promise.resolve()
  }

  /** Sends again what was not answered: within its window for duplicates the server drops what it has. */
  async #send(): Promise<void> {
    const messages = this.#messages
    this.#messages = []
    const { stream } = this.#options
    const { link, outgoing } = this.#parts
    let isRepeated = false
    try {
      await link.repeat(async (nc) => {
        // The stream may be gone.
        if (isRepeated) await outgoing.begin(nc, this.#what)
        isRepeated = true
        await publishAll({ nc, stream, link }, messages)
      })
    } catch (error) {
      if (isMillraceError(error)) throw error
      const message = `${this.#what}: messages cannot be written to stream ${stream} on ${link.address}: ${describeError(error)}`
      throw new MillraceError('SINK_FAILED', message, { cause: error })
    }
  }
}
