import type { Batch, Sink, SinkWriter } from '@millrace/core/connector'
import type { Timed } from '../operator-harness.ts'

/** Replaces a sink with one that makes records visible at once. */
export class TestSink implements Sink<unknown> {
  readonly kind: string
  readonly guarantee = 'at-least-once'
  readonly records: Timed<unknown>[] = []

  constructor(kind: string) {
    this.kind = kind
  }

  async open(): Promise<SinkWriter<unknown>> {
    return {
      write: ({ values, times, length }: Batch<unknown>): void => {
        for (let i = 0; i < length; i++) this.records.push({ value: values[i], time: times[i]! })
      },
      prepare: async () => undefined,
      close: async () => {},
    }
  }
}
