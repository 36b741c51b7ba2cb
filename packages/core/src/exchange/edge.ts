import type { Wakeup } from '@millrace/world'
import type { Batch, Element, Mark } from '../record/element.ts'

/**
 * The end of an edge at which a task sends.
 *
 * A producer sends only while `hasCredit`. While a barrier waits behind what it emitted it sends while
 * `hasOverdraft`, so that a slow consumer does not hold up the checkpoint. Marks need no credit.
 */
export interface OutgoingEdge {
  /** The task to wake when there is credit again. */
  attachProducer(wakeup: Wakeup): void
  readonly hasCredit: boolean
  /** Whether a producer may send without credit because a barrier waits behind the records. */
  readonly hasOverdraft: boolean
  /** How many records the next batch should hold at most. */
  readonly batchRecords: number
  send(batch: Batch): void
  mark(element: Mark): void
}

/**
 * The end of an edge at which a task receives: elements in the order in which they were sent.
 *
 * Records keep their credit after `take`, until the task releases them.
 */
export interface IncomingEdge {
  /** The number of the task's input that the edge belongs to. */
  readonly input: number
  /** The task to wake when there is something to take. */
  attachConsumer(wakeup: Wakeup): void
  readonly isEmpty: boolean
  /** Records on the edge that were not taken yet. */
  readonly queued: number
  /** Whether the next element is a mark. */
  readonly isAtMark: boolean
  /** The newest barrier on the edge, or 0. */
  readonly barrier: number
  /** Gives credit for about `records` records, if that is less than the edge's own bounds. */
  limit(records: number): void
  take(): Element | undefined
  /** The consumer is done with `records` of the records it has taken; without an argument with all of them. */
  release(records?: number): void
}
