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
 * What the producer of one edge may send: so many batches, and so many records.
 *
 * A record uses credit until the consumer releases it, which may be long after it took the batch: records that a
 * task has taken ahead of its own outputs still count here, so its producers stop.
 */
export class Credit {
  readonly #bounds: EdgeBounds
  /** Batches that were sent and not taken. */
  #batches = 0
  #records = 0
  /** There is credit while at most this many records are counted. */
  #fewRecords: number
  #batchRecords: number

  constructor(bounds: EdgeBounds) {
    this.#bounds = bounds
    this.#batchRecords = bounds.batchRecords
    this.#fewRecords = this.#mostRecords - 1
  }

  /** Records that were sent and not released. */
  get records(): number {
    return this.#records
  }

  get isLeft(): boolean {
    return this.#batches < this.#bounds.batches && this.#records <= this.#fewRecords
  }

  /** Whether a producer may send without credit because a barrier waits behind the records. */
  get hasOverdraft(): boolean {
    return this.#records < Math.max(overdraftRecords, overdraftTimes * this.#mostRecords)
  }

  /** How many records the next batch should hold at most. */
  get batchRecords(): number {
    return this.#batchRecords
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
  }

  sent(records: number): void {
    this.#batches++
    this.#records += records
  }

  took(batches: number): void {
    this.#batches -= batches
  }

  released(records: number): void {
    this.#records -= records
  }

  get #mostRecords(): number {
    return this.#bounds.batches * this.#bounds.batchRecords
  }
}
