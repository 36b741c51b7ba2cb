import type { OpenStateStore, StateStore } from '@millrace/core/store'

/** A wrapper around a state store that overrides some operations. */
export function wrappedStore(
  store: StateStore,
  changes: (open: OpenStateStore) => Partial<OpenStateStore>,
): StateStore {
  return {
    kind: store.kind,
    restores: store.restores ?? [],
    files: (snapshot) => store.files(snapshot),
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
        tableUsage: () => open.tableUsage(),
        opened: () => open.opened(),
        close: () => open.close(),
        ...changes(open),
      }
    },
  }
}
