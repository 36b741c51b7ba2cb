import { sleep } from '@millrace/world'
import type { Source } from '@millrace/core/connector'

/** A source over arrays that returns so many records of each split in a millisecond; a bounded run ends where they end. */
export function pacedSplits<T>(
  splits: Readonly<Record<string, readonly T[]>>,
  perMs: number,
): Source<T, number> {
  return {
    kind: 'paced',
    durability: 'replayable',
    discover: () => Promise.resolve({ splits: Object.keys(splits), isComplete: true }),
    open: (split, from = 0, { clock, signal, name: source }) => {
      const values = splits[split] ?? []
      let next = from
      let isRested = true
      return Promise.resolve({
        poll: (limit) => {
          if (next >= values.length) return { kind: 'end' }
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          const first = next
          next = Math.min(values.length, first + Math.min(limit, perMs))
          const origin = {
            source,
            split,
            place: (index: number) => `index ${first + index}`,
            raw: (index: number) => new TextEncoder().encode(JSON.stringify(values[first + index])),
          }
          return { kind: 'records', values: values.slice(first, next), origin }
        },
        ready: async () => {
          await sleep(clock, 1, signal).catch(() => {})
          isRested = true
        },
        position: () => next,
        close: () => Promise.resolve(),
      })
    },
  }
}
