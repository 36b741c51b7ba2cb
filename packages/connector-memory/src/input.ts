import { Feed, type FeedOptions } from './feed.ts'
import { FeedSource } from './feed-source.ts'

/** A source that the program itself pushes values into. */
export class MemoryInput<T> extends FeedSource<T> {
  /**
   * Resolves when the value is in the queue; waits while the queue is full. So a slow job slows down its callers. A value that was pushed is processed once as long as this process lives; if it is killed, values that no
   * checkpoint covers are lost.
   *
   * Rejects with `SOURCE_FAILED` after `end`, or when the job has ended; with the reason of `signal` when that is aborted
   * first: then the value was not added.
   */
  push(value: T, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.feed.push(value, options.signal)
  }

  /** Adds a value if the queue has room, and returns whether it had. Throws what `push` rejects with. */
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
