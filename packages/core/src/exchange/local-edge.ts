import type { Wakeup } from '@millrace/world'
import { assert } from '../errors/errors.ts'
import type { Batch, Element, Mark } from '../record/element.ts'
import type { IncomingEdge, OutgoingEdge } from './edge.ts'

/** The capacity of an edge. */
export interface EdgeBounds {
  readonly batches: number
  /** Records per batch at most. */
  readonly batchRecords: number
}

/** The minimum number of records that an edge accepts beyond its credit while a barrier waits behind them. */
const overdraftRecords = 65_536

/** The same as a multiple of its credit, if that is more. */
const overdraftTimes = 16

/**
 * An edge between two tasks of one thread: a queue of elements, bounded by credit.
 *
 * A record uses credit until the consumer releases it, which may be long after it took the batch: records that a
 * task has taken ahead of its own outputs still count here, so its producers stop. Marks need no credit, because there
 * are few of them and a watermark or a barrier must not wait for room that its own arrival makes.
 */
export class LocalEdge implements OutgoingEdge, IncomingEdge {
  readonly input: number
  readonly #bounds: EdgeBounds
  #queue: (Element | undefined)[] = []
  #head = 0
  #batches = 0
  /** Records on the edge, and records taken and not released. */
  #records = 0
  #taken = 0
  #barrier = 0
  /** There is credit while at most this many records are counted. */
  #fewRecords: number
  #batchRecords: number
  #producer: Wakeup | undefined
  #consumer: Wakeup | undefined

  constructor(bounds: EdgeBounds, input = 0) {
    this.input = input
    this.#bounds = bounds
    this.#batchRecords = bounds.batchRecords
    this.#fewRecords = this.#mostRecords - 1
  }

  attachProducer(wakeup: Wakeup): void {
    this.#producer = wakeup
  }

  attachConsumer(wakeup: Wakeup): void {
    this.#consumer = wakeup
  }

  get hasCredit(): boolean {
    return this.#batches < this.#bounds.batches && this.#records <= this.#fewRecords
  }

  get hasOverdraft(): boolean {
    return this.#records < Math.max(overdraftRecords, overdraftTimes * this.#mostRecords)
  }

  get batchRecords(): number {
    return this.#batchRecords
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length
  }

  get isAtMark(): boolean {
    const next = this.#queue[this.#head]
    return next !== undefined && next.kind !== 'batch'
  }

  get barrier(): number {
    return this.#barrier
  }

  /**
   * Gives credit for about `records` records, where that is less than the edge's own bounds. Credit comes back once
   * half of it is unused, so that a slow consumer is not fed record by record.
   */
  limit(records: number): void {
    const isLess = records < this.#mostRecords
    this.#fewRecords = isLess ? Math.floor(records / 2) : this.#mostRecords - 1
    this.#batchRecords = isLess
      ? Math.min(this.#bounds.batchRecords, Math.max(1, Math.ceil(records / 2)))
      : this.#bounds.batchRecords
    this.#offer()
  }

  send(batch: Batch): void {
    this.#batches++
    this.#records += batch.length
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
      this.#batches--
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
    this.#records -= records
    this.#offer()
  }

  get #mostRecords(): number {
    return this.#bounds.batches * this.#bounds.batchRecords
  }

  #offer(): void {
    if (this.hasCredit) this.#producer?.wake()
  }

  #push(element: Element): void {
    this.#queue.push(element)
    this.#consumer?.wake()
  }
}
