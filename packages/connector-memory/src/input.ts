import { Feed, type FeedOptions } from './feed.ts'
import { FeedSource } from './feed-source.ts'

/** A source that the program itself pushes values into. */
export class MemoryInput<T> extends FeedSource<T> {
  /**
   * Resolves when the job has read the value. So a slow job slows down its callers, and a clean stop loses nothing that
   * was accepted: what the job has read is finished and committed. If the process is killed, values that no checkpoint
   * covers are lost.
   *
   * Rejects with `SOURCE_FAILED` after `end`, or when the job has ended or stopped without reading the value; with the
   * reason of `signal` when that is aborted first: then the job does not read it.
   */
  push(value: T, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.feed.push(value, options.signal)
  }

  /**
   * Queues a value if there is room, and returns whether there was. What is queued when the job stops is read by its next
   * start in this process. Throws what `push` rejects with.
   */
  tryPush(value: T): boolean {
    return this.feed.tryPush(value)
  }

  /** No more values come: the job reads those that are there and finishes. */
  end(): void {
    this.feed.end()
  }

  /** No more values come, because of an error: the job reads those that are there and fails with it. */
  fail(error: unknown): void {
    this.feed.fail(error)
  }
}

/**
 * Makes a source that the program pushes values into, such as the requests of its web server. One job reads it.
 *
 * Throws `OPTION_INVALID` for a capacity or `keep` that is no whole number from 1.
 *
 * @example
 * const orders = memory.receive<Order>()
 * const job = start(pipeline('shop', (p) => p.from('orders', orders).to('out', sink)))
 * await orders.push({ id: 1, amount: 20 })
 */
export function receive<T>(options: FeedOptions = {}): MemoryInput<T> {
  return new MemoryInput(new Feed<T>('memory.receive', options))
}
