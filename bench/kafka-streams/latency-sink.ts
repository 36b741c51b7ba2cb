import type { Json } from '@millrace/core'
import type { Batch, Sink } from '@millrace/core/connector'
import type { Result } from './sales.ts'

/** Notes how late each result comes. */
export class LatencySink implements Sink<Result, Json> {
  readonly kind = 'latencies'
  readonly guarantee = 'at-least-once'
  /** In milliseconds, in the order in which results came. */
  readonly latencies: Float64Array
  /** Resolves when all results are there. */
  readonly isFull: Promise<void>
  #fill!: () => void
  #count = 0

  constructor(results: number) {
    this.latencies = new Float64Array(results)
    this.isFull = new Promise((resolve) => (this.#fill = resolve))
  }

  async open(): Promise<{
    write(batch: Batch<Result>): void
    prepare(): Promise<undefined>
    close(): Promise<void>
  }> {
    return {
      write: ({ values, length }) => {
        const now = performance.now()
        for (let i = 0; i < length; i++) this.latencies[this.#count++] = now - values[i]!.due
        if (this.#count >= this.latencies.length) this.#fill()
      },
      prepare: async () => undefined,
      close: async () => {},
    }
  }
}
