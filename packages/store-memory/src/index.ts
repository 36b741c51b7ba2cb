/** The default state store of Millrace: every value is live in memory and durable in segment files. */
export { memoryStore } from './memory-store.ts'
export type { MemoryStoreOptions } from './memory-store.ts'
export { verifySnapshot } from './verify-snapshot.ts'
