import type { Wakeup } from '@millrace/channels'
import type { Batch, Element } from '../kernel/element.ts'

/**
 * A bounded queue of elements between two tasks, with credit.
 *
 * Batches use credit; marks do not, because there are few of them and a watermark or a barrier must not wait for
 * room that its own arrival makes. Whoever sends batches asks `hasCredit` first, so the queue never refuses.
 */
export class Edge {
  readonly #capacity: number
  #queue: (Element | undefined)[] = []
  #head = 0
  #batches = 0
  #producer: Wakeup | undefined
  #consumer: Wakeup | undefined

  /** `capacity` is in batches. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Whom to wake when there is credit again. */
  attachProducer(wakeup: Wakeup): void {
    this.#producer = wakeup
  }

  /** Whom to wake when there is something to take. */
  attachConsumer(wakeup: Wakeup): void {
    this.#consumer = wakeup
  }

  get hasCredit(): boolean {
    return this.#batches < this.#capacity
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length
  }

  /** Whether the next element is a mark. */
  get isAtMark(): boolean {
    const next = this.#queue[this.#head]
    return next !== undefined && next.kind !== 'batch'
  }

  /** Batches waiting on this edge. */
  get depth(): number {
    return this.#batches
  }

  send(batch: Batch): void {
    this.#batches++
    this.#push({ kind: 'batch', batch })
  }

  mark(element: Exclude<Element, { kind: 'batch' }>): void {
    this.#push(element)
  }

  take(): Element | undefined {
    if (this.#head === this.#queue.length) return undefined
    const element = this.#queue[this.#head]
    this.#queue[this.#head++] = undefined
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    }
    if (element?.kind === 'batch') {
      this.#batches--
      this.#producer?.wake()
    }
    return element
  }

  #push(element: Element): void {
    this.#queue.push(element)
    this.#consumer?.wake()
  }
}
