import type { Delivered } from './amqp/content.ts'

/** Warns of a message that is delivered again and again: a quorum queue drops it at its limit, also if it is a good one. */
export class DeliveryCount {
  readonly #what: string
  readonly #queue: string
  readonly #warn: (message: string) => void
  #warnAbove = 9

  /** `what`: "source orders". */
  constructor(what: string, queue: string, warn: (message: string) => void) {
    this.#what = what
    this.#queue = queue
    this.#warn = warn
  }

  note({ properties }: Delivered): void {
    const count = properties.headers?.['x-delivery-count']
    if (typeof count !== 'number' || count <= this.#warnAbove) return
    this.#warnAbove = 2 * count
    this.#warn(
      `${this.#what}: a message of queue ${this.#queue} was returned ${count} times, because the job or its connection ended before a checkpoint; the queue drops or dead-letters messages at its delivery-limit`,
    )
  }
}
