import type { ConnectorContext, DecodeFailure, Poll, SplitReader } from '@millrace/core/connector'
import { Inflow } from '../client/inflow.ts'

/** A message that has arrived. */
interface SocketMessage {
  readonly data: Uint8Array
  readonly place: string
}

/** Takes what arrives. */
export interface MessageInflow {
  /** A promise that it returns resolves when there is room for more. */
  add(data: Uint8Array, place: string): Promise<void> | undefined
  isAlive(): void
}

/** What reads messages. */
export interface SocketReaderParts<T> {
  readonly split: string
  readonly context: ConnectorContext
  readonly decode: (data: Uint8Array) => T
  /** Brings messages until the signal aborts. */
  readonly run: (inflow: MessageInflow, signal: AbortSignal) => Promise<void>
  readonly onClose?: () => Promise<void>
}

/** Hands out messages of sockets. They are gone when they were read: nothing can be read again. */
export class SocketReader<T> implements SplitReader<T, null> {
  readonly mustStayOpen = true
  readonly #parts: SocketReaderParts<T>
  readonly #inflow: Inflow<SocketMessage>
  #bytesRead = 0

  constructor(parts: SocketReaderParts<T>) {
    this.#parts = parts
    const { context, run } = parts
    const inflow: MessageInflow = {
      add: (data, place) => this.#inflow.add({ data, place }, data.length),
      isAlive: () => this.#inflow.isAlive(),
    }
    // A bounded job reads what is there, and nothing is ever there.
    this.#inflow = new Inflow(context, (signal) =>
      context.isBounded ? Promise.resolve() : run(inflow, signal),
    )
  }

  poll(limit: number): Poll<T> {
    const messages = this.#inflow.take(limit)
    return messages.length === 0 ? this.#inflow.state() : this.#decoded(messages)
  }

  ready(): Promise<void> {
    return this.#inflow.ready()
  }

  position(): null {
    return null
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  async close(): Promise<void> {
    this.#inflow.close()
    await this.#parts.onClose?.()
  }

  #decoded(messages: readonly SocketMessage[]): Poll<T> {
    const { decode, split, context } = this.#parts
    const values: T[] = []
    const read: SocketMessage[] = []
    const failures: DecodeFailure[] = []
    for (const message of messages) {
      this.#bytesRead += message.data.length
      try {
        values.push(decode(message.data))
        read.push(message)
      } catch (error) {
        failures.push({ index: values.length, error, raw: message.data, place: message.place })
      }
    }
    const origin = {
      source: context.name,
      split,
      place: (index: number) => read[index]!.place,
      raw: (index: number) => read[index]!.data,
    }
    return { kind: 'records', values, origin, failures }
  }
}
