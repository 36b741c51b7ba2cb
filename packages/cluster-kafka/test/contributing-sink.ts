import { Packing } from '@millrace/connector-kafka/port'
import type { Batch, Sink } from '@millrace/core/connector'
import type { LeaseTransaction } from '../src/index.ts'

/** A sink of JSON to partition 0 of a topic, whose records become visible with the checkpoint of the lease. */
export function contributingSink<T>(transaction: LeaseTransaction, topic: string): Sink<T> {
  return {
    kind: 'contributing',
    guarantee: 'exactly-once',
    open: async (_subtask, _pending, { clock, random }) => {
      const packing = new Packing({ compressor: undefined, maxRecordBytes: 1_000_000 }, { clock, random })
      return {
        write: async (batch: Batch<T>) => {
          for (let i = 0; i < batch.length; i++) {
            const value = new TextEncoder().encode(JSON.stringify(batch.values[i]))
            packing.add({ topic, partition: 0, key: null, value, headers: [], timestamp: 0 }, 1)
          }
        },
        prepare: async () => {
          await transaction.add(packing.takeAll())
          return undefined
        },
        close: async () => {},
      }
    },
  }
}
