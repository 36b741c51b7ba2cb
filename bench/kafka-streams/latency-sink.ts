import type { Batch } from '@millrace/core/connector'
import { TakingSink } from '../taking-sink.ts'
import type { Result } from './sales.ts'

/** Notes how late each result comes. */
export class LatencySink extends TakingSink<Result> {
  readonly kind = 'latencies'
  /** In milliseconds, in the order in which results came. */
  readonly latencies: Float64Array
  /** Resolves when all results are there. */
  readonly isFull: Promise<void>
  #fill!: () => void
  #count = 0

  constructor(results: number) {
    super()
    this.latencies = new Float64Array(results)
    this.isFull = new Promise((resolve) => (this.#fill = resolve))
  }

  protected take({ values, length }: Batch<Result>): void {
    const now = performance.now()
    for (let i = 0; i < length; i++) this.latencies[this.#count++] = now - values[i]!.due
    if (this.#count >= this.latencies.length) this.#fill()
  }
}
