import { createInbox, nanos, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { Link } from './options.ts'

/** How long a request waits for messages. */
const waitMs = 1_000
/** A server that says nothing for two such times, while it is asked, has lost the request. */
const silenceMs = 1_500

const noMessages = 404
const timedOut = 408

/**
 * Asks a consumer for messages, and hands them out in the batches in which they come. The client's own `fetch` wraps each message
 * and hands it out with promises of its own, which costs more than to read it.
 */
export class Pull {
  readonly #nc: NatsConnection
  readonly #link: Link
  readonly #subject: string
  readonly #inbox = createInbox()
  readonly #answers: Subscription
  #requests = 0
  /** How many messages the newest request may still bring. */
  #left = 0
  #messages: Msg[] = []
  #hasHeard = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(nc: NatsConnection, link: Link, stream: string, consumer: string) {
    this.#nc = nc
    this.#link = link
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
    this.#answers = nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error === null ? this.#take(message) : this.#fail(error)),
    })
    void this.#answers.closed.then(() => this.#fail(new Error('the connection is closed')))
  }

  /**
   * Asks for messages: as many as there are, at most `count`, and those that come within a second. Messages of an earlier request
   * come first. Rejects if the server refuses, or does not answer.
   */
  async *batches(count: number): AsyncIterable<readonly Msg[]> {
    const request = JSON.stringify({ batch: count, expires: nanos(waitMs) })
    this.#left = count
    this.#nc.publish(this.#subject, request, { reply: `${this.#inbox}.${++this.#requests}` })
    const watch = this.#watch()
    try {
      for (;;) {
        while (this.#messages.length === 0 && this.#left > 0 && this.#error === undefined) {
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
        if (this.#messages.length === 0 && this.#error !== undefined) throw this.#error
        if (this.#messages.length === 0) return
        const messages = this.#messages
        this.#messages = []
        yield messages
      }
    } finally {
      watch[Symbol.dispose]()
    }
  }

  /** Ends a request that waits. */
  stop(): void {
    this.#left = 0
    this.#wake?.()
  }

  close(): void {
    this.stop()
    if (!this.#answers.isClosed()) this.#answers.unsubscribe()
  }

  #take(message: Msg): void {
    this.#hasHeard = true
    // What the server says of the request itself wants no answer.
    if (message.reply === undefined || message.reply === '') return this.#status(message)
    this.#messages.push(message)
    this.#left--
    this.#wake?.()
  }

  #status({ subject, headers }: Msg): void {
    if (subject !== `${this.#inbox}.${this.#requests}`) return
    const { code = 0, description = '' } = headers ?? {}
    // Below 200 it says that it is there.
    if (code < 200) return
    if (code === noMessages || code === timedOut) this.stop()
    else this.#fail(new Error(`the consumer gives no messages: ${code} ${description}`))
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#wake?.()
  }

  /** Fails when the server has been silent for too long. */
  #watch(): Disposable {
    this.#hasHeard = true
    let timer: Disposable
    const look = (): void => {
      if (!this.#hasHeard) return this.#fail(new Error('the server does not answer'))
      this.#hasHeard = false
      timer = this.#link.timer(silenceMs, look)
    }
    look()
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
  }
}
