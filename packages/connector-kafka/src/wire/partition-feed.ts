import { KafkaFailure, type Feed, type FeedListener } from '../cluster.ts'
import type { TopicPartition } from '../record.ts'
import { AbortedBatches } from './aborted.ts'
import { failureOf, codes } from './codes.ts'
import { WireError } from './cursor.ts'
import { batchAt, recordsOf } from './record-batch.ts'
import type { FetchedPartition, Isolation } from './request.ts'

/** What has arrived from a partition, of which a part waits because the delivery is paused. */
interface Waiting {
  readonly batches: Uint8Array
  readonly aborted: AbortedBatches
  /** The offset behind the last record that can be read now. */
  readonly end: number
  at: number
}

export interface FeedParts {
  readonly of: TopicPartition
  readonly from: number
  readonly listener: FeedListener
  readonly isolation: Isolation
  /** Called when more may be fetched, and after the end. */
  readonly changed: (feed: PartitionFeed) => void
}

/**
 * The delivery of one partition. Batches are decoded one after the other, and no more of them while it is paused: so a
 * reader that takes nothing holds at most one answer of a broker.
 */
export class PartitionFeed implements Feed {
  readonly of: TopicPartition
  readonly #parts: FeedParts
  /** The offset to fetch from. */
  next: number
  /** The offset behind the last record that can be read, as the broker has said last. */
  end: number | undefined
  /** How often in succession it could not be fetched, and when that may be tried again. */
  failures = 0
  dueAt = 0
  /** Since when no broker knows the partition. */
  unknownSince: number | undefined
  #waiting: Waiting | undefined
  #isPaused = false
  #isClosed = false
  #saidCaughtUpAt: number | undefined

  constructor(parts: FeedParts) {
    this.of = parts.of
    this.#parts = parts
    this.next = parts.from
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether records are wanted from a broker. */
  get isHungry(): boolean {
    return !this.#isPaused && !this.#isClosed && this.#waiting === undefined
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    // The listener is in the middle of something.
    queueMicrotask(() => {
      this.#deliver()
      this.#parts.changed(this)
    })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting = undefined
    this.#parts.changed(this)
  }

  /** Ends the delivery with an error. */
  fail(error: unknown): void {
    if (this.#isClosed) return
    this.close()
    this.#parts.listener.failed(error)
  }

  /** Takes what a broker has sent. */
  take({ batches, aborted, highWatermark, lastStable }: FetchedPartition): void {
    if (this.#isClosed) return
    const isCommitted = this.#parts.isolation === 1
    this.end = isCommitted ? lastStable : highWatermark
    this.#waiting = {
      batches,
      // Records of aborted transactions are read as well where none are kept out.
      aborted: new AbortedBatches(isCommitted ? aborted : []),
      end: this.end,
      at: 0,
    }
    this.failures = 0
    this.unknownSince = undefined
    this.#deliver()
  }

  #deliver(): void {
    try {
      while (this.#waiting !== undefined && !this.#isPaused) this.#step(this.#waiting)
    } catch (error) {
      if (!(error instanceof WireError) && !(error instanceof KafkaFailure)) throw error
      this.fail(failureOf(codes.corrupt, error.message))
    }
  }

  /** Delivers one batch. */
  #step(waiting: Waiting): void {
    const { listener, of } = this.#parts
    const batch = batchAt(waiting.batches, waiting.at)
    if (batch === undefined) {
      this.#waiting = undefined
      if (waiting.at === 0 && waiting.batches.length > 0) throw new WireError('a batch is cut short')
      if (this.next < waiting.end || this.#saidCaughtUpAt === this.next) return
      this.#saidCaughtUpAt = this.next
      listener.caughtUp(this.next)
      return
    }
    waiting.at += batch.bytes.length
    const isLeftOut = waiting.aborted.has(batch) || batch.isControl
    const from = this.next
    // The first batches may have been read before.
    if (batch.next <= from) {
      if (waiting.at === waiting.batches.length) {
        throw new WireError(`the batches end at offset ${batch.next}, and ${from} was asked for`)
      }
      return
    }
    this.next = batch.next
    listener.records(isLeftOut ? [] : recordsOf(batch, of, from), batch.next)
  }
}
