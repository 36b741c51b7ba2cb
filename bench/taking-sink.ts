import type { Json } from '@millrace/core'
import type { Batch, Sink } from '@millrace/core/connector'

/** A sink that looks at each batch, and writes nothing. */
export abstract class TakingSink<T> implements Sink<T, Json> {
  abstract readonly kind: string
  readonly guarantee = 'at-least-once'

  protected abstract take(batch: Batch<T>): void

  async open(): Promise<{
    write(batch: Batch<T>): void
    prepare(): Promise<undefined>
    close(): Promise<void>
  }> {
    return {
      write: (batch) => this.take(batch),
      prepare: async () => undefined,
      close: async () => {},
    }
  }
}
