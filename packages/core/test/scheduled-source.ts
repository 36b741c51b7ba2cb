import { sleep } from '@millrace/world'
import type { Source } from '@millrace/core/connector'

/**
 * Times that come at moments of the clock, by split. The split `ending` ends after its last one; the others stay open.
 */
export function scheduledSource(
  turns: readonly (readonly [split: string, time: number, atMs: number])[],
  ending?: string,
): Source<number, number> {
  return {
    kind: 'scheduled',
    durability: 'replayable',
    discover: async () => ({ splits: [...new Set(turns.map(([split]) => split))], isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const own = turns.filter((turn) => turn[0] === split)
      let next = from
      return {
        poll: () => {
          const turn = own[next]
          if (turn === undefined && split === ending) return { kind: 'end' }
          if (turn === undefined || clock.monotonic() < turn[2]) return { kind: 'pending', isCaughtUp: true }
          next++
          return { kind: 'records', values: [turn[1]] }
        },
        ready: async () => {
          const turn = own[next]
          await sleep(clock, turn === undefined ? 1_000_000 : turn[2] - clock.monotonic(), signal)
        },
        position: () => next,
        close: async () => {},
      }
    },
  }
}
