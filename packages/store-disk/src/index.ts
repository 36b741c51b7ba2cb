/** A state store for state larger than memory: an index in memory, and values in segment files. */
export { diskStore } from './disk-store.ts'
export type { DiskStoreOptions } from './disk-store.ts'
