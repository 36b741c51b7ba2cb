import {
  type Batch,
  type ConnectorContext,
  type RejectRecord,
  type Server,
  ServerConnector,
  type Sink,
  type SinkWriter,
} from '@millrace/core/connector'
import { invalid, type Link } from './options.ts'
import { messagesOf, type OutgoingOptions } from './outgoing.ts'
import { Publisher, unwritable } from './publisher.ts'
import type { Connection } from './amqp/connection.ts'

/** Writes messages at least once: they are sent at once, and `write` waits until the broker has confirmed them. */
export class QueueSink<T> implements Sink<T, never> {
  readonly kind = 'rabbitmq'
  readonly guarantee = 'at-least-once'
  readonly reconnects = true
  readonly #connector: ServerConnector<Connection>
  readonly #options: OutgoingOptions<T>

  constructor(server: Server<Connection>, options: OutgoingOptions<T>) {
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
    const { link, publisher } = await this.#begun(context)
    const prefix = `${context.owner.epoch}-${context.random.int(2 ** 48).toString(36)}-${subtask}`
    return new QueueWriter(`sink ${context.name}`, this.#options, { link, publisher, prefix })
  }

  async #begun(context: ConnectorContext): Promise<{ link: Link; publisher: Publisher }> {
    const what = `sink ${context.name}`
    const link = await this.#connector.link(what, context)
    const { exchange, confirmMs } = this.#options
    const publisher = new Publisher(link, confirmMs)
    try {
      const isThere = await link.repeat((connection) => publisher.has(connection, exchange))
      if (!isThere)
        throw invalid(what, `there is no exchange ${exchange} on ${link.address}; create it first`)
      return { link, publisher }
    } catch (error) {
      link.close()
      throw unwritable(what, link.address, error)
    }
  }
}

interface QueueWriterParts {
  readonly link: Link
  readonly publisher: Publisher
  /** The beginning of its ids; no other writer has it. */
  readonly prefix: string
}

class QueueWriter<T> implements SinkWriter<T, never> {
  readonly #what: string
  readonly #options: OutgoingOptions<T>
  readonly #parts: QueueWriterParts
  #sent = 0
  #bytesWritten = 0

  constructor(what: string, options: OutgoingOptions<T>, parts: QueueWriterParts) {
    this.#what = what
    this.#options = options
    this.#parts = parts
  }

  /** The bodies of messages. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    const { link, publisher, prefix } = this.#parts
    const messages = messagesOf(batch, reject, this.#options, () => `${prefix}-${this.#sent++}`)
    for (const { data } of messages) this.#bytesWritten += data.length
    try {
      await publisher.publish(messages, reject)
    } catch (error) {
      throw unwritable(this.#what, link.address, error)
    }
  }

  async prepare(): Promise<undefined> {}

  close(): Promise<void> {
    this.#parts.link.close()
    return Promise.resolve()
  }
}
