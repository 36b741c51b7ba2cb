import type { OpenStateStore, StateStore } from '@millrace/core'

/** A state store in front of another one: it does some of what that does otherwise. */
export function wrappedStore(
  store: StateStore,
  changes: (open: OpenStateStore) => Partial<OpenStateStore>,
): StateStore {
  return {
    kind: store.kind,
    open: async (options) => {
      const open = await store.open(options)
      return {
        table: (spec) => open.table(spec),
        load: () => open.load(),
        freeze: (owner, subtask) => open.freeze(owner, subtask),
        encode: (owner, subtask, budgetMs) => open.encode(owner, subtask, budgetMs),
        persist: () => open.persist(),
        release: (retained) => open.release(retained),
        usage: () => open.usage(),
        close: () => open.close(),
        ...changes(open),
      }
    },
  }
}
