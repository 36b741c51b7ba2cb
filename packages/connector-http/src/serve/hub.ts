import type { ConnectorContext } from '@millrace/core/connector'

/** One subscriber's connection. */
export interface OutStream {
  write(bytes: Uint8Array): void
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number
  /** Calls back whenever the client has taken what was waiting, and once when the connection is closed. */
  listen(onDrain: () => void, onClose: () => void): void
  /** Ends the connection when the client has taken what waits. */
  end(): void
  /** Ends the connection now. */
  cut(): void
}

/** A message for all subscribers. */
export interface HubMessage {
  readonly id: string
  readonly bytes: Uint8Array
}

/** What a hub keeps, and how patient it is. */
export interface HubPlan {
  /** The newest messages are kept for subscribers that are behind or return: so many, with so many bytes. */
  readonly recordsMax: number
  readonly bytesMax: number
  readonly subscribersMax: number
  /** How long a subscriber may keep the others waiting before it is disconnected. */
  readonly slowAfterMs: number
}

/** A subscriber, and the number of the message that it gets next. */
interface Subscriber {
  readonly out: OutStream
  next: number
  /** How long the hub has waited for it since it had taken everything. */
  waitedMs: number
}

/** More bytes are not put into a connection: what waits is in the history, once for all. */
const waitingBytesMax = 64 * 1024

/**
 * Sends messages to any number of subscribers, each at its own pace.
 *
 * All read from one history of bounded size. When it is full and its oldest message is still needed, the hub waits; a
 * subscriber that makes it wait for longer than `slowAfterMs`, taken together since it was last up to date, is disconnected.
 */
export class Hub {
  readonly #plan: HubPlan
  readonly #context: Pick<ConnectorContext, 'clock' | 'signal'>
  readonly #subscribers = new Set<Subscriber>()
  #history: HubMessage[] = []
  /** Messages before this index have left the history. */
  #head = 0
  /** The number of the message at index 0. */
  #base = 0
  #bytes = 0
  readonly #numbers = new Map<string, number>()
  #dropped = 0
  #isClosed = false
  #wakePublishers: (() => void)[] = []

  constructor(plan: HubPlan, context: Pick<ConnectorContext, 'clock' | 'signal'>) {
    this.#plan = plan
    this.#context = context
  }

  /** How many subscribers were disconnected because they were slow. */
  get dropped(): number {
    return this.#dropped
  }

  get isFull(): boolean {
    return this.#isClosed || this.#subscribers.size >= this.#plan.subscribersMax
  }

  /** Sends a message. A promise that it returns resolves when there is room for the next one. */
  publish(message: HubMessage): Promise<void> | undefined {
    this.#history.push(message)
    this.#bytes += message.bytes.length
    this.#numbers.set(message.id, this.#end - 1)
    for (const subscriber of this.#subscribers) this.#pump(subscriber)
    this.#forget()
    return this.#isOver() ? this.#room() : undefined
  }

  /** Whether a client can resume after the message with this id. */
  has(id: string): boolean {
    return this.#numbers.has(id)
  }

  /**
   * Adds a subscriber: it gets what comes after the message with this id, or the whole history if that is not known; without
   * an id what comes from now on.
   */
  subscribe(out: OutStream, lastId: string | undefined): void {
    const known = lastId === undefined ? this.#end - 1 : this.#numbers.get(lastId)
    const subscriber = { out, next: known === undefined ? this.#first : known + 1, waitedMs: 0 }
    this.#subscribers.add(subscriber)
    const moved = (): void => {
      this.#pump(subscriber)
      this.#forget()
      this.#wake()
    }
    out.listen(moved, () => {
      this.#subscribers.delete(subscriber)
      this.#forget()
      this.#wake()
    })
    this.#pump(subscriber)
  }

  /** Writes to every connection on which nothing waits. */
  beat(bytes: Uint8Array): void {
    for (const { out } of this.#subscribers) if (out.waitingBytes === 0) out.write(bytes)
  }

  /** Ends every connection whose client has everything; the others when they have. */
  close(): void {
    this.#isClosed = true
    for (const subscriber of this.#subscribers) this.#pump(subscriber)
    this.#wake()
  }

  get #end(): number {
    return this.#base + this.#history.length
  }

  get #first(): number {
    return this.#base + this.#head
  }

  #pump(subscriber: Subscriber): void {
    const { out } = subscriber
    while (subscriber.next < this.#end && out.waitingBytes < waitingBytesMax) {
      out.write(this.#history[subscriber.next++ - this.#base]!.bytes)
    }
    if (subscriber.next < this.#end) return
    subscriber.waitedMs = 0
    if (this.#isClosed) out.end()
  }

  #isOver(): boolean {
    const { recordsMax, bytesMax } = this.#plan
    return this.#history.length - this.#head > recordsMax || this.#bytes > bytesMax
  }

  /** Removes old messages that no subscriber needs, as far as the history is too large. */
  #forget(): void {
    let needed = this.#end
    for (const { next } of this.#subscribers) needed = Math.min(needed, next)
    while (this.#isOver() && this.#first < needed) {
      const { id, bytes } = this.#history[this.#head]!
      if (this.#numbers.get(id) === this.#first) this.#numbers.delete(id)
      this.#bytes -= bytes.length
      this.#head++
    }
    if (this.#head < 1_024 || this.#head * 2 < this.#history.length) return
    this.#history = this.#history.slice(this.#head)
    this.#base += this.#head
    this.#head = 0
  }

  /** Waits until the history is no larger than allowed, or the subscribers that keep it are disconnected. */
  async #room(): Promise<void> {
    const { clock, signal } = this.#context
    while (this.#isOver() && !this.#isClosed && !signal.aborted) {
      const slow = [...this.#subscribers].filter(({ next }) => next === this.#first)
      const leftMs = Math.min(...slow.map(({ waitedMs }) => this.#plan.slowAfterMs - waitedMs))
      const before = clock.monotonic()
      await this.#moved(leftMs)
      const waitedMs = clock.monotonic() - before
      for (const subscriber of slow) {
        subscriber.waitedMs += waitedMs
        if (subscriber.next === this.#first && subscriber.waitedMs >= this.#plan.slowAfterMs)
          this.#drop(subscriber)
      }
      this.#forget()
    }
  }

  /** Resolves when a subscriber has moved, at the latest after some time. */
  #moved(ms: number): Promise<void> {
    const { clock, signal } = this.#context
    return new Promise((resolve) => {
      const end = (): void => {
        timer[Symbol.dispose]()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.schedule(ms, end)
      signal.addEventListener('abort', end, { once: true })
      this.#wakePublishers.push(end)
    })
  }

  #drop(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    this.#dropped++
    subscriber.out.cut()
  }

  #wake(): void {
    for (const wake of this.#wakePublishers.splice(0)) wake()
  }
}
