import type { Sink } from '@millrace/core/connector'
import type { SinkStandIn } from '../src/simulate/run-plan.ts'

/** A sink that recognizes visible transactions by their numbers, as far as it remembers them. */
export function orderingSink(
  forgets: 'nothing' | 'before the last' | 'previous lives' | 'everything',
): SinkStandIn {
  const visible: unknown[] = []
  const prepared = new Map<number, readonly unknown[]>()
  let known = new Set<number>()
  let ids = 0
  const commit = async (id: number): Promise<void> => {
    if (known.has(id)) return
    if (forgets === 'before the last') known.clear()
    if (forgets !== 'everything') known.add(id)
    visible.push(...(prepared.get(id) ?? []))
  }
  const sink: Sink<unknown, number> = {
    kind: 'ordering',
    guarantee: 'exactly-once',
    open: async (_subtask, pending) => {
      for (const id of pending) await commit(id)
      if (forgets === 'previous lives') known = new Set(pending)
      let open: unknown[] = []
      return {
        write: (batch) => void open.push(...batch.values.slice(0, batch.length)),
        prepare: async () => {
          prepared.set(++ids, open)
          open = []
          return ids
        },
        commit,
        close: async () => {},
      }
    },
  }
  return { sink, visible: () => visible }
}
