import type { Sink, Source } from '@millrace/core/connector'
import type { Item } from './item.ts'
import type { Guarantee, SourceSpec } from './topology.ts'

/** A source of drawn records. The simulator reads it once and replaces it with its own. */
export function drawnSource({ durability, splits }: SourceSpec): Source<Item, number> {
  return {
    kind: 'drawn',
    durability,
    discover: async () => ({ splits: splits.map(({ name }) => name), isComplete: true }),
    open: async (split) => {
      const { readings, spoiled } = splits.find(({ name }) => name === split)!
      let isRead = false
      return {
        poll() {
          if (isRead) return { kind: 'end' }
          isRead = true
          return { kind: 'records', values: readings, failures: spoiled.map((index) => spoil(index)) }
        },
        ready: async () => {},
        position: () => (isRead ? 1 : 0),
        close: async () => {},
      }
    },
  }
}

function spoil(index: number): { index: number; error: Error; raw: Uint8Array; place: string } {
  return { index, error: new Error('not a reading'), raw: Uint8Array.of(index), place: `before ${index}` }
}

/** A sink with a drawn guarantee. The simulator replaces it with its own. */
export function drawnSink(guarantee: Guarantee): Sink<unknown> {
  return {
    kind: 'drawn',
    guarantee,
    open: async () => ({ write() {}, prepare: async () => undefined, close: async () => {} }),
  }
}
