import { AmqpError } from './amqp-error.ts'

/** Gets whether the broker has a message. */
export type Confirmed = (isThere: boolean) => void

/** Messages that were sent and not confirmed yet. They are numbered from 1 on. */
export class Confirms {
  /** The number of the first in the list, which waits. Those that were confirmed out of turn are undefined. */
  #first = 1
  #waiting: (Confirmed | undefined)[] = []
  #at = 0

  add(confirmed: Confirmed): void {
    this.#waiting.push(confirmed)
  }

  /** Handles a confirm of one message, or of all up to it. Throws an `AmqpError` for one that nothing waits for. */
  settle(tag: number, isMultiple: boolean, isThere: boolean): void {
    const index = this.#at + tag - this.#first
    if (index < this.#at || this.#waiting[index] === undefined)
      throw new AmqpError(`the broker confirms message ${tag}, for which nothing waits`)
    for (let at = isMultiple ? this.#at : index; at <= index; at++) {
      const confirmed = this.#waiting[at]
      this.#waiting[at] = undefined
      confirmed?.(isThere)
    }
    while (this.#at < this.#waiting.length && this.#waiting[this.#at] === undefined) {
      this.#at++
      this.#first++
    }
    if (this.#at < this.#waiting.length) return
    this.#waiting = []
    this.#at = 0
  }
}
