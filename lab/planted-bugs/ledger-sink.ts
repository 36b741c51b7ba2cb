import type { Sink } from '@millrace/core/connector'
import type { SinkStandIn } from '@millrace/simulator'

/** The output between two barriers, with a number from its subtask and run. */
type Page = { readonly id: number }

/** A custom sink for a ledger: a page for each checkpoint, which counts once it is signed. */
export function ledgerSink(): SinkStandIn {
  const ledger: unknown[] = []
  const unsigned = new Map<number, readonly unknown[]>()
  let pages = 0
  const sign = ({ id }: Page): void => {
    ledger.push(...(unsigned.get(id) ?? []))
    unsigned.delete(id)
  }
  const sink: Sink<unknown, Page> = {
    kind: 'ledger',
    guarantee: 'exactly-once',
    async open(subtask, pending) {
      for (const page of pending) sign(page)
      if (subtask === 0) unsigned.clear()
      let lines: unknown[] = []
      return {
        write(batch) {
          lines.push(...batch.values.slice(0, batch.length))
        },
        async prepare() {
          const page = { id: ++pages }
          unsigned.set(page.id, lines)
          lines = []
          return page
        },
        async commit(page) {
          sign(page)
        },
        async close() {},
      }
    },
  }
  return { sink, visible: () => ledger }
}
