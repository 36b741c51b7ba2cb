import type { Wakeup } from '@millrace/world'
import { assert } from '../errors/errors.ts'
import type { Batch, Element, Mark } from '../record/element.ts'
import { Credit, type EdgeBounds } from './credit.ts'
import type { IncomingEdge, OutgoingEdge } from './edge.ts'

/**
 * An edge between two tasks of one thread: a queue of elements, bounded by credit.
 *
 * Marks need no credit, because there are few of them and a watermark or a barrier must not wait for room that its
 * own arrival makes.
 */
export class LocalEdge implements OutgoingEdge, IncomingEdge {
  readonly input: number
  readonly #credit: Credit
  #queue: (Element | undefined)[] = []
  #head = 0
  /** Records taken and not released. */
  #taken = 0
  #barrier = 0
  #producer: Wakeup | undefined
  #consumer: Wakeup | undefined

  constructor(bounds: EdgeBounds, input = 0) {
    this.input = input
    this.#credit = new Credit(bounds)
  }

  attachProducer(wakeup: Wakeup): void {
    this.#producer = wakeup
  }

  attachConsumer(wakeup: Wakeup): void {
    this.#consumer = wakeup
  }

  get hasCredit(): boolean {
    return this.#credit.isLeft
  }

  get hasOverdraft(): boolean {
    return this.#credit.hasOverdraft
  }

  get batchRecords(): number {
    return this.#credit.batchRecords
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length
  }

  get queued(): number {
    return this.#credit.records - this.#taken
  }

  get isAtMark(): boolean {
    const next = this.#queue[this.#head]
    return next !== undefined && next.kind !== 'batch'
  }

  get barrier(): number {
    return this.#barrier
  }

  limit(records: number): void {
    this.#credit.limit(records)
    this.#offer()
  }

  send(batch: Batch): void {
    this.#credit.sent(batch.length)
    this.#push({ kind: 'batch', batch })
  }

  mark(element: Mark): void {
    if (element.kind === 'barrier') this.#barrier = element.checkpoint
    this.#push(element)
  }

  take(): Element | undefined {
    if (this.#head === this.#queue.length) return undefined
    const element = this.#queue[this.#head]!
    this.#queue[this.#head++] = undefined
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    }
    if (element.kind === 'batch') {
      this.#credit.took(1)
      this.#taken += element.batch.length
      this.#offer()
    } else if (element.kind === 'barrier' && element.checkpoint === this.#barrier) {
      this.#barrier = 0
    }
    return element
  }

  release(records: number = this.#taken): void {
    if (records === 0) return
    assert(records <= this.#taken, 'a task releases only records that it has taken')
    this.#taken -= records
    this.#credit.released(records)
    this.#offer()
  }

  #offer(): void {
    if (this.hasCredit) this.#producer?.wake()
  }

  #push(element: Element): void {
    this.#queue.push(element)
    this.#consumer?.wake()
  }
}
