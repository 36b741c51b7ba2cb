import { MillraceError } from '@millrace/core'
import type { RejectRecord } from '@millrace/core/connector'
import type { Channel } from './amqp/channel.ts'
import type { Connection } from './amqp/connection.ts'
import { isMissing, reasonOf } from './broker-error.ts'
import type { ReadyMessage } from './outgoing.ts'
import type { Link } from './options.ts'

/** So many messages, and about so many bytes, are sent before the broker has confirmed them. */
const sentAtOnce = 1_000
const bytesAtOnce = 4_000_000
/** Exchanges that are known to be there; the newest, so that they do not fill the memory. */
const knownMax = 1_000

/** A message that the broker has not taken: it is full, or could not write. */
const refused = Symbol('refused')

/**
 * Publishes messages and waits until the broker has confirmed each of them. What it does not confirm is published again. One for
 * which there is no queue comes back, and is rejected.
 */
export class Publisher {
  readonly #link: Link
  readonly #confirmMs: number
  readonly #known = new Set<string>([''])
  #connection: Connection | undefined
  #channel: Channel | undefined
  /** What has come back since the last batch was sent. */
  #returned = new Set<string>()

  /** A broker that confirms nothing for `confirmMs` gets the messages again, over another connection. */
  constructor(link: Link, confirmMs: number) {
    this.#link = link
    this.#confirmMs = confirmMs
  }

  /** Whether there is an exchange of this name. */
  async has(connection: Connection, exchange: string): Promise<boolean> {
    if (this.#known.has(exchange)) return true
    const channel = await connection.channel()
    try {
      await channel.checkExchange(exchange)
      await channel.close()
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.add(exchange)
    return true
  }

  /** Resolves when the broker has every message that was not rejected. */
  async publish(messages: readonly ReadyMessage[], reject: RejectRecord): Promise<void> {
    for (let at = 0; at < messages.length;) {
      let left = portionOf(messages, at)
      at += left.length
      while (left.length > 0) {
        const again: ReadyMessage[] = []
        const unsent = left
        const results = await this.#link.repeat((connection) => this.#sendAll(connection, unsent))
        for (const [index, result] of results.entries()) {
          if (result === refused) again.push(unsent[index]!)
          else if (result !== undefined) reject(unsent[index]!.index, result)
        }
        left = again
        if (left.length === 0) continue
        this.#link.down(
          `RabbitMQ on ${this.#link.address} takes no messages: a queue is full (overflow reject-publish), or the broker cannot write; consume what the queue holds, or raise its limit`,
        )
        await this.#link.pause()
      }
    }
  }

  /** For each message: undefined if the broker has it, `refused`, or why it never takes it. */
  async #sendAll(connection: Connection, messages: readonly ReadyMessage[]): Promise<readonly unknown[]> {
    const missing = new Set<string>()
    for (const { exchange } of messages) {
      if (!missing.has(exchange) && !(await this.has(connection, exchange))) missing.add(exchange)
    }
    const channel = await this.#channelOf(connection)
    this.#returned = new Set()
    const results = await this.#inTime(connection, messages.length, (settled, failed) => {
      // Without a channel there is no answer at all.
      void channel.closed.then(failed)
      for (const [index, message] of messages.entries()) {
        if (missing.has(message.exchange)) settled(index, nowhere(message))
        else {
          channel.publish(message, message.data, message.properties, (isThere) =>
            settled(index, isThere ? undefined : refused),
          )
        }
      }
    })
    if (this.#returned.size === 0) return results
    return results.map((result, index) => {
      const message = messages[index]!
      return result === undefined && this.#returned.has(nameOf(message, message.properties.messageId))
        ? unroutable(message)
        : result
    })
  }

  /**
   * Resolves to the results of `count` messages that `send` sends. Rejects when nothing was confirmed for too long. A broker that
   * has blocked the connection says when it resumes.
   */
  #inTime(
    connection: Connection,
    count: number,
    send: (settled: (index: number, result: unknown) => void, failed: (error: Error) => void) => void,
  ): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const results: unknown[] = Array.from({ length: count })
      let left = count
      let leftBefore = count
      let timer: Disposable | undefined
      const failed = (error: Error): void => {
        timer?.[Symbol.dispose]()
        reject(error)
      }
      const watch = (): void => {
        timer = this.#link.timer(this.#confirmMs, () => {
          if (left === leftBefore && !connection.isBlocked) return failed(unconfirmed(left, this.#confirmMs))
          leftBefore = left
          watch()
        })
      }
      watch()
      const settled = (index: number, result: unknown): void => {
        results[index] = result
        if (--left > 0) return
        timer?.[Symbol.dispose]()
        resolve(results)
      }
      try {
        send(settled, failed)
      } catch (error) {
        failed(error as Error)
      }
    })
  }

  async #channelOf(connection: Connection): Promise<Channel> {
    if (this.#channel?.isOpen === true && this.#connection === connection) return this.#channel
    const channel = await connection.confirmChannel()
    this.#connection = connection
    this.#channel = channel
    channel.returned = (message) => this.#returned.add(nameOf(message, message.properties.messageId))
    void channel.closed.then(() => {
      // An exchange may be gone.
      this.#known.clear()
      this.#known.add('')
    })
    return channel
  }
}

function unconfirmed(count: number, ms: number): Error {
  return new Error(`the broker has not confirmed ${count} messages within ${ms} ms (confirmTimeout)`)
}

/** The messages from `at` on that are sent at once. */
function portionOf(messages: readonly ReadyMessage[], at: number): readonly ReadyMessage[] {
  let bytes = 0
  let end = at
  while (end < messages.length && end - at < sentAtOnce && bytes < bytesAtOnce) {
    bytes += messages[end++]!.data.length
  }
  return messages.slice(at, end)
}

/** Where a message goes and its id: those that are equal in this come back together. */
function nameOf(
  { exchange, routingKey }: { readonly exchange: string; readonly routingKey: string },
  messageId: unknown,
): string {
  return JSON.stringify([exchange, routingKey, messageId])
}

function nowhere({ exchange }: ReadyMessage): MillraceError {
  return new MillraceError('SINK_FAILED', `there is no exchange ${exchange}; create it first`)
}

function unroutable({ exchange, routingKey }: ReadyMessage): MillraceError {
  const key = JSON.stringify(routingKey)
  const problem =
    exchange === ''
      ? `there is no queue ${key}; create it first`
      : `no queue is bound to exchange ${exchange} for the routing key ${key}; bind one, or give the exchange an alternate exchange`
  return new MillraceError('SINK_FAILED', `the message cannot be routed: ${problem}`)
}

/** The error for messages that cannot be written. */
export function unwritable(what: string, server: string, error: unknown): unknown {
  if (error instanceof MillraceError) return error
  const message = `${what}: messages cannot be written to RabbitMQ on ${server}: ${reasonOf(error)}`
  return new MillraceError('SINK_FAILED', message, { isFinal: isMissing(error) })
}
