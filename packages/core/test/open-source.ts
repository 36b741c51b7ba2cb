import type { Source } from '@millrace/core/connector'

/**
 * A source over arrays that may grow from one life of a job to the next, as files do: a live job waits at their ends, a
 * bounded one ends there.
 */
export function openSource<T>(splits: Readonly<Record<string, readonly T[]>>): Source<T, number> {
  return {
    kind: 'open',
    durability: 'replayable',
    discover: async ({ isBounded }) => ({ splits: Object.keys(splits), isComplete: isBounded }),
    open: async (split, from = 0, { isBounded, signal }) => {
      const values = splits[split] ?? []
      let next = from
      return {
        poll: (limit) => {
          if (next >= values.length)
            return isBounded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: true }
          const first = next
          next = Math.min(values.length, first + limit)
          return { kind: 'records', values: values.slice(first, next) }
        },
        ready: () => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
        position: () => next,
        close: async () => {},
      }
    },
  }
}
