import type { OpenPlainStore, PlainTable, StoreBend } from './plain-store.ts'

/** Replaces methods of a table by others that may call the old ones. */
export function inTable(change: (table: PlainTable<unknown>) => Partial<PlainTable<unknown>>): StoreBend {
  return { table: (table) => void Object.assign(table, change(table)) }
}

/** Replaces methods of a store. */
export function inStore(change: (store: OpenPlainStore) => Partial<OpenPlainStore>): StoreBend {
  return { store: (store) => void Object.assign(store, change(store)) }
}
